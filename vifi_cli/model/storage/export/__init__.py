"""Models as folders that other programs load."""
