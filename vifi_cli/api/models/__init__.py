"""Loads, imports, exports and merges models, and fetches their weights."""
