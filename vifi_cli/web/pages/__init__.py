"""The HTML pages: search, moments and errors."""
