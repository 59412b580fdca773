"""From a container to frames: true times, right way up, and only the packets needed; the sampling rule of the index."""
