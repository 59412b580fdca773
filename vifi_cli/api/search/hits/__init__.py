"""What is done with hits: written, kept, shown."""
