"""Model names, the hub, and safe readers of weights files."""
