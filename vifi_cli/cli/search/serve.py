"""`vifi serve`: a web page to search and play, on this machine."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer

from vifi_cli import paths, stop_signals
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.options import DeviceOption
from vifi_cli.cli.terminal.progress import ON_TERMINAL
from vifi_cli.errors import InvalidInput

LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")


def serve(
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on")] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            metavar="PORT",
            help="Port to listen on",
            show_default="8765 or the next free one",
        ),
    ] = None,
    expose: Annotated[
        bool,
        typer.Option(
            "--expose", help="Let other machines in: whoever reaches --host sees all indexed videos"
        ),
    ] = False,
    root_path: Annotated[
        str,
        typer.Option(metavar="PATH", help="Path of the page behind a proxy, such as /vifi", show_default="/"),
    ] = "/",
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in the browser")] = False,
    device: DeviceOption = "auto",
) -> None:
    """Search and play in your browser.

    It serves a web page on this machine until you press Ctrl-C. The page changes nothing in the index.
    """
    from vifi_cli.api.library.encoders import load_index_text_encoder
    from vifi_cli.web.app import make_app
    from vifi_cli.web.server import address_of, listen, run
    from vifi_cli.web.sub_path import parse_sub_path

    _check_exposure(host, expose)
    below = parse_sub_path(root_path)
    app = make_app(
        paths.index_folder(),
        paths.cache_folder(),
        lambda indexed_with: load_index_text_encoder(indexed_with, device, ON_TERMINAL),
        exposed=expose,
        root_path=below,
    )
    with listen(host, port) as listening:
        address = address_of(listening, below)
        output.line(address)
        output.note("Ctrl-C ends it")
        if open_browser:
            webbrowser.open(address)
        try:
            run(app, listening, output.warning)
        except KeyboardInterrupt as stop:
            stop_signals.leave(output.ended(stop))


def _check_exposure(host: str, expose: bool) -> None:
    """Checks that the user knows who can connect."""
    if host in LOOPBACK_HOSTS:
        return
    if not expose:
        raise InvalidInput(
            f"--host {host} would let others in: whoever reaches it sees all indexed videos, without a password. "
            "Add --expose if you mean that, or omit --host and use an SSH tunnel"
        )
    output.warning(f"whoever reaches {host} sees all indexed videos: there is no password and no encryption")
