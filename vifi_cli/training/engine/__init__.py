"""Optimizer steps, processes, precision and memory."""
