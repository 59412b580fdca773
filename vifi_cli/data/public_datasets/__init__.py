"""Public datasets, their official splits, and the settings of the paper."""
