"""Output, progress, errors and the options that commands share."""
