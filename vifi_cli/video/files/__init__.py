"""Which files are videos, and what tells one file from another."""
