"""Stills, previews and playable videos, rendered on demand."""
