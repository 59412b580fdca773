"""`vifi timeline`: every occurrence of labels in videos."""
