"""Runs the application until interrupted, without a log of requests or tracebacks for pages that users leave."""

import logging
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from vifi_cli import stop_signals
from vifi_cli.errors import InvalidInput
from vifi_cli.web.connections import (
    ACCEPTED_AT_ONCE,
    Connections,
    LimitedConnection,
    Limits,
    limits_of_system,
)

ANY_IPV6 = "::"
USUAL_PORT, PORTS_TRIED = 8765, 20
SECONDS_TO_FINISH = 1
"""For running requests when the server ends; then a playing video is cut off."""


def listen(host: str, port: int | None) -> socket.socket:
    """Opens a port: the given one, or the first free one from the usual one on.

    Raises:
        InvalidInput: the port is taken, or the host is not this machine.
    """
    wanted = [port] if port is not None else range(USUAL_PORT, USUAL_PORT + PORTS_TRIED)
    reason = None
    for number in wanted:
        try:
            family = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0][0]
            both = host == ANY_IPV6 and socket.has_dualstack_ipv6()  # IPv4 too
            return socket.create_server((host, number), family=family, backlog=128, dualstack_ipv6=both)
        except OSError as error:
            reason = (error.strerror or str(error)).partition(" (while ")[0]  # without the address once more
    raise InvalidInput(
        f"cannot listen on {host}, port {wanted[0]}: {reason}; choose another by --host or --port"
    )


def run(
    app: ASGIApp, listening: socket.socket, tell: Callable[[str], None], limits: Limits | None = None
) -> None:
    """Serves until a stop signal, whose KeyboardInterrupt is raised when all is closed.

    `tell` is called with a line for each error.
    """

    class Connection(LimitedConnection):
        connections_of_server = Connections(limits or limits_of_system())

    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=SECONDS_TO_FINISH,
        backlog=ACCEPTED_AT_ONCE,
    )
    server = _Server(config)
    telling = _Telling(tell, server)
    for name in ("uvicorn", "asyncio"):
        log = logging.getLogger(name)
        log.handlers, log.propagate = [telling], False
    with stop_signals.handled_by(server.stop):  # before asyncio handles Ctrl-C, which would cancel the server
        server.run(sockets=[listening])
    if server.stopped_by is not None:
        raise stop_signals.interruption(server.stopped_by)


class _Server(uvicorn.Server):
    """Ends at every stop signal, and leaves ignored ones ignored."""

    stopped_by: int | None = None  # the number of the signal

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leaves them to the one who runs the server."""
        yield

    def stop(self, number: int) -> None:
        """Ends the server because of a signal."""
        self.stopped_by = self.stopped_by or number
        self.handle_exit(number, None)


class _Telling(logging.Handler):
    """Passes on each error in one line, except for answers that are cut off when the server ends.

    A line is not repeated until there is another: where no file can be opened, each client fails in the same way.
    """

    def __init__(self, tell: Callable[[str], None], server: uvicorn.Server) -> None:
        super().__init__(logging.ERROR)
        self._tell = tell
        self._server = server
        self._last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Passes on an error, with the type of an exception."""
        if self._server.should_exit:
            return
        error = record.exc_info[1] if record.exc_info else None
        line = f"{type(error).__name__}: {error}" if error else record.getMessage()
        if record.name == "asyncio" and isinstance(error, OSError):
            line = f"cannot take more connections now: {error.strerror or error}"
        if line != self._last:
            self._last = line
            self._tell(line)
