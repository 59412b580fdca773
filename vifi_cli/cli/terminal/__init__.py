"""Output, help, errors, progress on a terminal, and the options that commands share."""
