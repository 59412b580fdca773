"""Public datasets and their official splits."""
