"""Optimizer steps: the loss, the loop, processes, precision and memory."""
