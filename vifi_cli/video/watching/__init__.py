"""What changes under folders, and when a new file is complete."""
