"""Searchable videos: the catalogue in SQLite, its vectors in FAISS, and the search; without torch."""
