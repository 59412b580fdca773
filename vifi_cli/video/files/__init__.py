"""Which files are videos, and when a new file is complete."""
