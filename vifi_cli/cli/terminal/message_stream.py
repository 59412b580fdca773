"""A stream for messages that nobody may be able to read any more, as after a terminal was closed."""

import io
import os
from typing import Any, TextIO


def unfailing(stream: TextIO) -> TextIO:
    """The same stream, except that it loses what cannot be written: a lost message must not end the work."""
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)  # unbuffered with PYTHONUNBUFFERED
    if not isinstance(raw, io.FileIO):
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Unfailing(raw.fileno(), "w", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=True,
    )


class _Unfailing(io.FileIO):
    """A file that goes on as the null device once it cannot be written."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError:  # the terminal was closed, the reader has left, the disk is full
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())
            os.close(null)
            return len(data)
