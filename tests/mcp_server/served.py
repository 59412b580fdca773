"""A server as a program, for a client: `python -m tests.mcp_server.served INDEX CLIPS`."""

import sys
from pathlib import Path

from tests.color_encoder import ColorEncoder
from vifi_cli import stop_signals
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.index.catalog.records import IndexedWith
from vifi_cli.mcp_server.clips_folder import ClipsFolder
from vifi_cli.mcp_server.server import serve_stdio
from vifi_cli.mcp_server.tools import Tools


def load_encoder(_: IndexedWith, *__: object) -> ColorEncoder:
    print("a library that prints while a model is loaded")
    return ColorEncoder()


if __name__ == "__main__":
    stop_signals.raise_on_stop()  # as the program does
    tools = Tools(Path(sys.argv[1]), ClipsFolder(Path(sys.argv[2])), AUTOMATIC, load_encoder)
    serve_stdio(tools, lambda stop: stop_signals.leave(stop_signals.heed(stop)))
    stop_signals.leave(0)
