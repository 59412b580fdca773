"""What a cosine is worth in this index."""
