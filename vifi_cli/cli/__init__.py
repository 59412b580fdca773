"""What the user types: one file a command; each parses, calls one typed function, shows the result."""
