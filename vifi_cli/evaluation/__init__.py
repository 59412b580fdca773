"""How well a model classifies videos."""
