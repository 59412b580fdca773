"""Commands that test a model and show what it sees."""
