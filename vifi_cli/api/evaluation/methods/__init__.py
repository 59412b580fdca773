"""The methods that an evaluation trains and compares, and their runs."""
