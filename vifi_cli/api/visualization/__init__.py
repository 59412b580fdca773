"""What a model sees: classes, over time too, attention maps and embedding maps."""
