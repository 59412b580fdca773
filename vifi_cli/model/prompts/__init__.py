"""Learned vision and language prompts."""
