"""Concepts taught by marks: what was marked, the query vector learned from it, and what to mark next."""
