"""How long an ordinary request takes while others hold connections open to the server of `vifi serve`:

    python -m tests.benchmarks.half_open_connections [--silent 900] [--slow 100]

The silent ones send nothing, the slow ones a letter of a header every second; a second after one is closed, it connects
again.
The server may open 1,024 files, as is usual. Ten ordinary requests, each on a connection of its own.
"""

import argparse
import resource
import socket
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from tests.benchmarks.measuring import show_machine, show_table
from tests.web.conftest import indexed_clips, running

REQUESTS, PATIENCE_SECONDS = 10, 3.0
UNLIMITED = {"most": 10**6, "most_of_one_client": 10**6, "request_seconds": 1e6, "unread_seconds": 1e6}
BEGUN = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "


class Crowd:
    """Clients that hold connections open, from their own thread."""

    def __init__(self, address: str, silent: int, slow: int) -> None:
        where = urlsplit(address)
        self._where = where.hostname or "", where.port or 0
        self._begin = [b""] * silent + [BEGUN] * slow
        self._open: list[socket.socket | None] = [None] * len(self._begin)
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)
        for place in range(len(self._begin)):
            self._connect(place)
        self._thread.start()

    def _connect(self, place: int) -> None:
        with suppress(OSError):
            opened = socket.create_connection(self._where, timeout=0.1)
            opened.setblocking(False)
            opened.sendall(self._begin[place])
            self._open[place] = opened

    def _go_on(self) -> None:
        """Sends letters, and connects again, once a second."""
        while not self._ends.wait(1.0):
            for place, opened in enumerate(self._open):
                if self._ends.is_set():
                    return
                try:
                    if opened is None or opened.recv(1) == b"":
                        raise ConnectionResetError
                except BlockingIOError:
                    with suppress(OSError):
                        opened.send(b"x" if self._begin[place] else b"")  # type: ignore[union-attr]
                except OSError:
                    if opened:
                        opened.close()
                    self._connect(place)

    def close(self) -> None:
        self._ends.set()
        self._thread.join()
        for opened in filter(None, self._open):
            opened.close()


def seconds_of_request(address: str) -> float:
    where = urlsplit(address)
    started = time.perf_counter()
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=PATIENCE_SECONDS) as asked:
        asked.sendall(f"GET /progress HTTP/1.1\r\nHost: {where.netloc}\r\nConnection: close\r\n\r\n".encode())
        if not asked.recv(65536).startswith(b"HTTP/1.1 200"):
            raise ConnectionError
    return time.perf_counter() - started


def row(name: str, address: str) -> list[str]:
    seconds = []
    for _ in range(REQUESTS):
        with suppress(OSError):
            seconds.append(seconds_of_request(address))
    times = [f"{median(seconds) * 1000:.0f}", f"{max(seconds) * 1000:.0f}"] if seconds else ["", ""]
    return [name, f"{len(seconds)} of {REQUESTS}", *times]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--silent", type=int, default=900)
    parser.add_argument("--slow", type=int, default=100)
    arguments = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    show_machine()
    with tempfile.TemporaryDirectory() as folder:
        library = indexed_clips(Path(folder))
        rows = []
        for name, limits in (("without limits", UNLIMITED), ("vifi serve", {})):
            resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
            # without limits, it says that it can open no more files
            with running(library, Path(folder) / "cache", may_complain=bool(limits), **limits) as address:
                resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
                rows.append([name, *row("nobody else", address)])
                crowd = Crowd(address, arguments.silent, arguments.slow)
                rows.append([name, *row(f"{arguments.silent} silent, {arguments.slow} slow", address)])
                crowd.close()
    heads = ("server", "connected", "answered", "median, ms", "longest, ms")
    show_table("Ordinary requests", heads, rows)


if __name__ == "__main__":
    main()
