"""Which files are videos, and whether a file is the same as before."""
