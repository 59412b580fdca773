"""Reads and describes models as the package transformers saves them, without importing it."""
