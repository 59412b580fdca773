"""Clips of T frames by frame number, for training and evaluation, and the store of decoded clips."""
