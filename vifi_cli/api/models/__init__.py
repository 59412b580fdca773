"""Loading models and fetching their weights."""
