"""Weights: found, read safely, written, and known again by a digest."""
