"""Whether a model has learned from the videos of a test, and what to run instead."""
