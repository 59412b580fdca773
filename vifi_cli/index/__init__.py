"""Searchable videos: the catalog in SQLite, its vectors in FAISS, and the search; without torch."""
