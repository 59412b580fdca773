"""Attention maps and embedding maps."""
