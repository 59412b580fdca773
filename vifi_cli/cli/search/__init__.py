"""Commands that search, play, cut and serve."""
