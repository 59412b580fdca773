"""`vifi shell`: searching line by line, with one encoder in memory."""
