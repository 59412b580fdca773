"""A run on disk and over time: folder, state, validation, curves, and a summary of each."""
