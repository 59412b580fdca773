"""From cosines to relevance: how much a cosine means in this index."""
