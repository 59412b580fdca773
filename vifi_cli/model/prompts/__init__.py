"""Learned prompts in the image and the text tower."""
