"""Commands that search, play and cut."""
