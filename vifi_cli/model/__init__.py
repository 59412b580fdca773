"""Models: their names, weights, networks and prompts, and how they run."""
