"""Progress on a terminal and outside one."""
