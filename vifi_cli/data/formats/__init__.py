"""The formats in which people keep labeled videos: folders, tables, list files."""
