"""Steps in the order of time: chains of windows, and the hits of ordered queries."""
