"""Optimizer steps: the loss, the loop, processes, precision and memory; the learning rate is in recipe/."""
