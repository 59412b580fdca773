"""Labeled videos: where their names, labels and splits come from, and whether they can be trusted; no torch."""
