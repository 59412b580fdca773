"""From frames and texts to embeddings: the encoders, where their weights come from, how they run."""
