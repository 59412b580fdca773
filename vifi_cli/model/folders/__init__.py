"""A model on disk: read, write, import, export, average."""
