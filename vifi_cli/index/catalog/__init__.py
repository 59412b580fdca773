"""The SQLite catalog, the source of truth."""
