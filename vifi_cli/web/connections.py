"""Limits on connections, so that clients that wait, or that send or read slowly, do not keep out all others.

uvicorn waits for ever for a first request, for the end of one, and for clients that do not read. Here a client has a
limited time for each. Where too many are connected, a client that waits makes room for a new one: first one of the
client with the most connections. Browsers open six connections at a time and connect again when they need to.
"""

import asyncio
import ipaddress
import socket
import struct
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

FILES_OF_A_CONNECTION = 2  # the socket, and the video that is sent
OTHER_FILES = 256  # the index, pipes to processes, and connections that are closed in a moment
ACCEPTED_AT_ONCE = 32
"""Before any of them is counted; asyncio would accept until no file can be opened."""

MOST_IN_EXCESS = 64
"""Connections beyond the limit that a moment is waited for."""

WANTED_FILES = 4096
AT_ONCE = struct.pack("HH" if sys.platform == "win32" else "ii", 1, 0)
FEWEST, MOST, MOST_OF_ONE_CLIENT = 32, 512, 64
MOMENT_SECONDS = 0.2
"""How long a new client has to send its request before it may be closed as one that only waits."""
IPV6_NETWORK_BITS = 64
"""Whoever has one IPv6 address usually has all that begin with these bits."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections are open at once, and how long a client may take."""

    most: int
    most_of_one_client: int
    request_seconds: float = 15.0  # to send a request, from the connection or the last answer on
    unread_seconds: float = 300.0  # to read on; a browser whose player pauses connects again later


def limits_of_system(*, is_behind_proxy: bool = False) -> Limits:
    """Limits that fit the number of files that this process may open, which is raised if possible.

    A proxy is one client that connects for all others.
    """
    most = min(MOST, max(FEWEST, (_most_open_files() - OTHER_FILES) // FILES_OF_A_CONNECTION))
    return Limits(most, most if is_behind_proxy else min(MOST_OF_ONE_CLIENT, most // 2))


def _most_open_files() -> int:
    """1,024 on most systems with Linux and 256 on macOS, if it cannot be raised."""
    if sys.platform == "win32":
        return WANTED_FILES
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(WANTED_FILES, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return WANTED_FILES
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft


class Connections:
    """The open connections of a server. Belongs to one event loop."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._open: dict[LimitedConnection, None] = {}  # in the order in which they last did something
        self._is_about_to_make_room = False

    def add(self, new: "LimitedConnection") -> None:
        """Counts a new connection; if there are too many, some are closed in a moment, in a flood at once."""
        self._open[new] = None
        if len(self._open) > self.limits.most + MOST_IN_EXCESS:
            self._make_room()
        elif not self._is_about_to_make_room:
            self._is_about_to_make_room = True
            new.loop.call_later(MOMENT_SECONDS, self._make_room_after_moment)

    def _make_room_after_moment(self) -> None:
        self._is_about_to_make_room = False
        self._make_room()

    def _make_room(self) -> None:
        """Closes connections while there are too many."""
        clients = Counter(each.client_name for each in self._open)
        surplus = {client: count - self.limits.most_of_one_client for client, count in clients.items()}
        for client, count in surplus.items():
            self._close(client, count)
        while len(self._open) > self.limits.most:
            clients = Counter(each.client_name for each in self._open)
            self._close(max(clients, key=clients.__getitem__), 1)

    def _close(self, client: str, count: int) -> None:
        for unneeded in islice(self._least_needed(client), max(count, 0)):
            self.remove(unneeded)
            unneeded.abandon()

    def note_use(self, used: "LimitedConnection") -> None:
        """Puts a connection behind all others that may be closed."""
        if used in self._open:
            del self._open[used]
            self._open[used] = None

    def remove(self, gone: "LimitedConnection") -> None:
        """Counts a connection no more."""
        self._open.pop(gone, None)

    def _least_needed(self, client: str) -> list["LimitedConnection"]:
        """The connections of a client: those without a request, then those that do not read, then the newest."""
        own = [each for each in self._open if each.client_name == client]
        waiting = [each for each in own if not each.is_answered]
        stalled = [each for each in own if each.is_answered and each.is_stalled]
        return [
            *waiting,
            *stalled,
            *(each for each in reversed(own) if each.is_answered and not each.is_stalled),
        ]


class LimitedConnection(H11Protocol):
    """A connection with limits; `connections` is set by the server's own class."""

    connections_of_server: Connections

    client_name = ""  # the address, or for IPv6 the network
    is_answered = False  # whether its request is complete and the answer is not
    is_stalled = False  # whether it does not read what is sent
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Waits for a request, for a limited time."""
        super().connection_made(transport)
        self.client_name = _client_name(self.client)
        self._limit(self.connections_of_server.limits.request_seconds)
        self.connections_of_server.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the connection."""
        self._limit(None)
        self.connections_of_server.remove(self)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Reads what has arrived, which may complete a request."""
        super().handle_events()
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        if not self.is_answered and cycle and not cycle.response_complete:
            self.is_answered = True
            self._limit(None)
            self.connections_of_server.note_use(self)

    def on_response_complete(self) -> None:
        """Waits for the next request, or until the rest of this answer is read."""
        self.is_answered = False
        limits = self.connections_of_server.limits
        is_read = not self.transport.get_write_buffer_size()
        self._limit(limits.request_seconds if is_read else limits.unread_seconds)
        self.connections_of_server.note_use(self)
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Waits until the client reads, for a limited time."""
        super().pause_writing()
        self.is_stalled = True
        self._limit(self.connections_of_server.limits.unread_seconds)

    def resume_writing(self) -> None:
        """Goes on when the client has read."""
        super().resume_writing()
        self.is_stalled = False
        if self.is_answered:
            self._limit(None)
        self.connections_of_server.note_use(self)

    def abandon(self) -> None:
        """Closes the connection at once; what is not sent yet is lost, also what the system keeps to send later."""
        connected = self.transport.get_extra_info("socket")
        with suppress(OSError):
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        self.transport.abort()

    def _limit(self, seconds: float | None) -> None:
        """Gives the client so much time; None for as long as it likes."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self.abandon)


def _client_name(client: Any) -> str:
    """The name under which the connections of one client are counted."""
    if not client:
        return ""
    try:
        address = ipaddress.ip_address(client[0].partition("%")[0])
    except ValueError:
        return str(client[0])
    if address.version == 6 and address.ipv4_mapped is None and not address.is_loopback:
        return str(ipaddress.ip_network((address, IPV6_NETWORK_BITS), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)
