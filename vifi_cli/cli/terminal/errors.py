"""The line that a user sees for an error."""

import sqlite3
from typing import Any

import typer

from vifi_cli.errors import VifiError, unreadable_index


def in_words(error: Exception) -> str:
    """One line for an error: what is wrong, then what to do; empty if help has been shown instead."""
    if isinstance(error, VifiError):
        return str(error)
    if isinstance(error, typer.TyperException):
        return _usage_in_words(error)
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}: check free disk space and access rights, then run the command again"
    if isinstance(error, sqlite3.Error):
        return unreadable_index(error)
    kind = type(error).__name__
    return f"{kind}: {error} (this is a bug in vifi: run again with VIFI_DEBUG=1 and report the traceback)"


def _usage_in_words(error: Any) -> str:
    message, context = str(error.format_message()), getattr(error, "ctx", None)
    message = message.replace("Value error, ", "").partition(", unable to parse")[0]  # pydantic's own words
    if not message or context is None:
        return message
    stop = "" if message[-1] in ".?!" else "."
    return f"{message}{stop} See `{context.command_path} --help`"
