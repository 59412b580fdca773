"""Commands that teach concepts, and care for them."""
