"""Recipes: what a run does, in values; the paper's are in presets/."""
