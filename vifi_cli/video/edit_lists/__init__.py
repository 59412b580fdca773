"""Moments as lists for editors and players, and as a web page."""
