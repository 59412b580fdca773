"""Two methods on the same videos: their predictions read, paired and compared."""
