"""What is said of an error, whoever meets it."""

import sqlite3

from vifi_cli.errors import VifiError


def in_words(error: Exception) -> str:
    """One line for an error: our own say what to do; the system's are put into words; the rest are bugs."""
    if isinstance(error, VifiError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}: see to free disk space and access rights, and run the command again"
    if isinstance(error, sqlite3.Error):
        return f"the index cannot be read ({error}): `vifi doctor` looks into it"
    kind = type(error).__name__
    return f"{kind}: {error} (this is a bug in vifi: run again with VIFI_DEBUG=1 and report what it shows)"
