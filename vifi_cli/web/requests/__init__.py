"""The index, and the questions that requests ask it."""
