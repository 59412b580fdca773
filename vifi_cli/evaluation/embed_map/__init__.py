"""Maps of videos by their embeddings, and how well the classes separate."""
