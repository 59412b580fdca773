"""Pictures on a terminal: in its own graphics protocol, or as blocks of characters."""
