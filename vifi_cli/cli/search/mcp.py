"""`vifi mcp`: lets a language model search your videos, over the Model Context Protocol."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from vifi_cli import paths, stop_signals
from vifi_cli.cli.search.search import index_to_search
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.options.shared import DeviceOption
from vifi_cli.cli.terminal.progress.bars import ON_TERMINAL
from vifi_cli.errors import MissingDependency

USUAL_CLIPS = "cut"  # the demo keeps its videos in `clips`


def mcp(
    clips: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder for the clips it cuts", show_default="cut in the data folder"
        ),
    ] = None,
    device: DeviceOption = "auto",
) -> None:
    """Let a language model search your videos.

    This is a server of the Model Context Protocol over stdin and stdout, which Claude Code, Claude Desktop and other
    clients start. It can search, teach concepts, show frames and cut clips of indexed videos, and changes
    nothing in the index.
    """
    from vifi_cli.api.library.encoders import load_index_text_encoder
    from vifi_cli.mcp_server.clips_folder import ClipsFolder

    try:
        from vifi_cli.mcp_server.server import serve_stdio
        from vifi_cli.mcp_server.tools import Tools
    except ImportError as error:
        if not (error.name or "").startswith("mcp"):
            raise
        raise MissingDependency(
            "`vifi mcp` needs the package mcp, 2.3 or later: run `pip install 'vifi[mcp]'`"
        ) from None

    folder = paths.given_path(clips) if clips else paths.data_folder() / USUAL_CLIPS
    tools = Tools(
        index_to_search(),
        ClipsFolder(folder),
        ON_TERMINAL,
        lambda indexed_with, *_: load_index_text_encoder(indexed_with, device, ON_TERMINAL),
    )
    if sys.stdin.isatty():
        output.note("A client starts this command and talks to it: see `vifi mcp --help`. Ctrl-C ends it")
    serve_stdio(tools, _leave)
    stop_signals.leave(0)  # a model that is still being loaded would keep the process alive


def _leave(stop: KeyboardInterrupt) -> NoReturn:
    stop_signals.leave(output.ended(stop))
