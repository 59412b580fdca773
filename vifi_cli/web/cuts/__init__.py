"""Moments that viewers download: as a clip, as clips in a ZIP, as a reel, or as a list."""
