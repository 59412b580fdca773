"""A video player for tests: a program that writes its arguments into a named pipe, from which the test reads them."""

import os
import select
from pathlib import Path

PATIENCE_SECONDS = 60.0
WRITE_ARGUMENTS = "#!/bin/sh\nprintf '%s\\0' \"$@\" >{pipe}\n"


class Pipe:
    """A named pipe into which a player writes."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path, self._descriptor = path, os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def read(self) -> bytes:
        """What is written until the pipe is closed."""
        content = b""
        while True:
            ready, _, _ = select.select([self._descriptor], [], [], PATIENCE_SECONDS)
            assert ready, "the player wrote nothing"
            if not (part := os.read(self._descriptor, 65536)):
                return content
            content += part

    def arguments(self) -> list[str]:
        """The arguments of the player that was started."""
        return os.fsdecode(self.read()).split("\0")[:-1]

    def close(self) -> None:
        """Closes this end."""
        os.close(self._descriptor)


def make_player(file: Path, pipe: Pipe, script: str = WRITE_ARGUMENTS) -> Path:
    """Writes a program that writes its arguments into the pipe, or does something else with it."""
    file.write_text(script.format(pipe=pipe.path))
    file.chmod(0o755)
    return file
