"""Models on disk: load, write, import, average."""
