"""Pictures: upright, scaled as an encoder wants them, and read from picture files."""
