"""Moments as lists for editors and players (EDL, OTIO, M3U), and as a web page."""
