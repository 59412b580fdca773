"""Drawing splits and writing them."""
