"""Evaluation reports as JSON, Markdown, HTML and pictures, and predictions as tables."""
