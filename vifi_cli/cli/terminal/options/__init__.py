"""Options that several commands share, and their defaults from the settings."""
