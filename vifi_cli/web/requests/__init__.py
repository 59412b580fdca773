"""What requests ask for, and the index that answers."""
