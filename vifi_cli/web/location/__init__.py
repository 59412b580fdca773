"""Where the server is found: its addresses, the names it answers to, and the path below which it is served."""
