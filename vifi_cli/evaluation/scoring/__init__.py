"""Metrics, confidence intervals and retrieval scores."""
