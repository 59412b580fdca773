"""Evaluation reports as JSON, Markdown, HTML and pictures."""
