"""Commands for models and datasets."""
