"""Bringing the index up to date: changes, presence, encoding, shards."""
