"""Model names, cards, and the hub: what `--model` means and where it comes from."""
