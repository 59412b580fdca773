"""Timelines: every occurrence of labels in indexed videos, how long they last, and files of them for other programs."""
