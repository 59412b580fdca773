"""Parts of bytes over a socket, each after its length, within limits of size and time."""

import socket
import struct
import time
from contextlib import suppress
from multiprocessing.connection import wait

_LENGTH = struct.Struct("!Q")


class PartStream:
    """One end of a socket over which two processes send each other parts."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(self, part: bytes, patience_seconds: float | None = None) -> None:
        """Sends a part; raises TimeoutError if the other end does not take it in time, OSError if it is closed."""
        self._end.settimeout(patience_seconds)
        self._end.sendall(_LENGTH.pack(len(part)))
        self._end.sendall(part)

    def receive(self, most_bytes: int, deadline: float | None = None) -> bytearray:
        """Receives a part until a time of `time.monotonic`.

        Raises:
            ValueError: the part is longer than `most_bytes`; no memory is taken for it.
            TimeoutError: it did not come in time.
            EOFError, OSError: the other end is closed.
        """
        (size_bytes,) = _LENGTH.unpack(self._receive(_LENGTH.size, deadline))
        if size_bytes > most_bytes:
            raise ValueError(f"a part of {size_bytes} bytes, where {most_bytes} are the most")
        return self._receive(size_bytes, deadline)

    def receive_exactly(self, size_bytes: int, deadline: float | None = None) -> bytearray:
        """Receives a part of a known length; the same errors."""
        part = self.receive(size_bytes, deadline)
        if len(part) != size_bytes:
            raise ValueError(f"a part of {len(part)} bytes, where {size_bytes} were announced")
        return part

    def has_something(self) -> bool:
        """Whether the other end sent something that was not received yet, or closed."""
        return bool(wait([self._end], 0))

    def close(self) -> None:
        """Closes this end; a thread that waits for the other one goes on with an error."""
        with suppress(OSError):  # the other end is gone
            self._end.shutdown(socket.SHUT_RDWR)
        self._end.close()

    def _receive(self, size_bytes: int, deadline: float | None) -> bytearray:
        part = bytearray(size_bytes)
        rest = memoryview(part)
        while rest:
            self._end.settimeout(None if deadline is None else max(deadline - time.monotonic(), 1e-3))
            received = self._end.recv_into(rest)
            if not received:
                raise EOFError
            rest = rest[received:]
        return part
