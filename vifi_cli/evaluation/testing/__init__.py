"""Runs a model on test videos: the paper's settings, views, class texts and predictions."""
