"""Checks of a machine with a GPU, which CI does not have; `docs/contributing.md` says how to run them."""
