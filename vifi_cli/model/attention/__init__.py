"""Attention and activation maps."""
