"""Making videos searchable, and keeping the index in order."""
