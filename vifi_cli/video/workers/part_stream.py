"""Parts of bytes over a socket, each after its length, within limits of size and time."""

import socket
import struct
import time
from contextlib import suppress
from multiprocessing.connection import wait

TURN_SECONDS = 1.0
_LENGTH = struct.Struct("!Q")


class AwakeClock:
    """A clock that stands still while this process is stopped, as by Ctrl-Z, and with it most likely the other one."""

    def __init__(self) -> None:
        self._stopped_seconds = 0.0

    def now(self) -> float:
        """Seconds from any start."""
        return time.monotonic() - self._stopped_seconds

    def note_wait(self, asked_seconds: float, took_seconds: float) -> None:
        """Takes a wait that took far longer than asked for a time in which the process was stopped."""
        late = took_seconds - asked_seconds
        if late > TURN_SECONDS:
            self._stopped_seconds += late


class PartStream:
    """One end of a socket over which two processes send each other parts."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self.clock = AwakeClock()

    def send(self, part: bytes, patience_seconds: float | None = None) -> None:
        """Sends a part; raises TimeoutError if the other end does not take it in time, OSError if it is closed."""
        self._end.settimeout(patience_seconds)
        self._end.sendall(_LENGTH.pack(len(part)))
        self._end.sendall(part)

    def receive(self, most_bytes: int, deadline: float | None = None) -> bytearray:
        """Receives a part until a time of the clock.

        Raises:
            ValueError: the part is longer than `most_bytes`, which is noticed before it takes memory.
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
            received = self._receive_into(rest, deadline)
            if not received:
                raise EOFError
            rest = rest[received:]
        return part

    def _receive_into(self, rest: memoryview, deadline: float | None) -> int:
        """Receives some bytes, in short turns, which show whether the process was stopped meanwhile."""
        if deadline is None:
            self._end.settimeout(None)
            return self._end.recv_into(rest)
        while True:
            turn_seconds = min(TURN_SECONDS, max(deadline - self.clock.now(), 1e-3))
            self._end.settimeout(turn_seconds)
            began = time.monotonic()
            try:
                return self._end.recv_into(rest)
            except TimeoutError:
                self.clock.note_wait(turn_seconds, time.monotonic() - began)
                if self.clock.now() >= deadline:
                    raise
