"""Evaluations that search: how well an index finds the videos and the moments that queries describe."""
