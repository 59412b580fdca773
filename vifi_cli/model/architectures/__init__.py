"""Architectures of CLIPs, found out from the shapes of weights or from the configurations of other programs."""
