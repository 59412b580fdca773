"""Drawing splits and writing them, and choosing a part of the classes."""
