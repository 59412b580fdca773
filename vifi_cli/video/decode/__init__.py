"""From packets to the frames that represent a video, with only the packets needed; the sampling rule of the index."""
