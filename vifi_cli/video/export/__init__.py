"""Moments copied, re-encoded, joined and previewed."""
