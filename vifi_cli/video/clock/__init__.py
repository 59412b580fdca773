"""The clock of a file: from its own times, which may be set back or leap, to times that only go forward."""
