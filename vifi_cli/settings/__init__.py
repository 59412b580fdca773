"""Settings of every command, and the values that they take."""
