"""Commands that build and maintain the index."""
