"""Ranking, moments, queries and filters."""
