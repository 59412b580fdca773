"""Making videos searchable."""
