"""Tables of videos, CSV and JSONL: what their columns mean, and how they are read and written."""
