"""From marks to a better model: split, trained, compared with what marks have taught, adopted only if better."""
