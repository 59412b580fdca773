"""Moment retrieval: queries with the moments that they describe, and how well predicted moments match those."""
