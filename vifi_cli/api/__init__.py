"""What vifi can do, for programs: the functions that `vifi_cli` exports, and that the commands call."""
