"""Pictures of what a model sees: attention figures, strips, contact sheets."""
