"""The HTML pages: search, moments and errors; their markup is in templates/."""
