"""Recipes: what a run does, in values, and the learning rate over it; the paper's are in presets/."""
