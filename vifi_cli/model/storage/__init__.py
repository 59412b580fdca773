"""Models on disk: load, write, import, export, average."""
