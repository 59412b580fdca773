"""Weights files: found, read safely, written, and fingerprinted."""
