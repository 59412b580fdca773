"""Clips of T frames chosen by frame number, and the store of decoded clips."""
