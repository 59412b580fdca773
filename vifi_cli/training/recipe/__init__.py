"""What a run does, in values."""
