"""What the server knows of the index, and what requests ask of it."""
