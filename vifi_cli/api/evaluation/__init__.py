"""Evaluation: models on the settings of the paper, and an index on captions."""
