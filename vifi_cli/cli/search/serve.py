"""`vifi serve`: a web page to search and play, on this machine and, if you say so, on others."""

from __future__ import annotations

import webbrowser
from dataclasses import dataclass
from typing import Annotated

import typer

from vifi_cli import paths, stop_signals
from vifi_cli.cli.search.search import index_to_search
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.options.shared import DeviceOption
from vifi_cli.cli.terminal.options.splicing import spliced
from vifi_cli.cli.terminal.progress.bars import ON_TERMINAL
from vifi_cli.errors import InvalidInput

LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")
EVERY_HOST = "0.0.0.0"


@dataclass(frozen=True, kw_only=True)
class ServerAddress:
    """Where the page is served, to whom, under which address others see it, and what they may do."""

    host: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Address to listen on", show_default="127.0.0.1; all with --expose"
        ),
    ] = None
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            metavar="PORT",
            help="Port to listen on",
            show_default="8765 or the next free one",
        ),
    ] = None
    expose: Annotated[
        bool, typer.Option("--expose", help="Let other machines in: they see all indexed videos")
    ] = False
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Another name of the server, as behind a proxy (repeatable)"),
    ] = None
    root_path: Annotated[
        str,
        typer.Option(metavar="PATH", help="Path of the page behind a proxy, such as /vifi", show_default="/"),
    ] = "/"
    teach: Annotated[
        bool, typer.Option("--teach", help="Let viewers on other machines teach concepts, too")
    ] = False


@spliced
def serve(
    address: ServerAddress,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in the browser")] = False,
    device: DeviceOption = "auto",
) -> None:
    """Search and play in your browser.

    It serves a web page on this machine until you press Ctrl-C. The page changes nothing in the index. On this machine
    you can teach concepts there.
    """
    from vifi_cli.api.library.encoders import EncoderChoice, load_query_encoder, with_reader
    from vifi_cli.web.app import make_app
    from vifi_cli.web.connections import limits_of_system
    from vifi_cli.web.location.addresses import addresses_of
    from vifi_cli.web.location.hosts import Hosts, parse_allowed_host
    from vifi_cli.web.location.sub_path import parse_sub_path
    from vifi_cli.web.server import listen, run

    listens_on = _listening_host(address.host, address.expose, everyone_teaches=address.teach)
    allowed = frozenset(map(parse_allowed_host, address.allow_host or ()))
    below = parse_sub_path(address.root_path)
    app = make_app(
        index_to_search(),
        paths.cache_folder(),
        lambda indexed_with: load_query_encoder(
            indexed_with, with_reader(EncoderChoice(device=device), indexed_with), ON_TERMINAL
        ),
        hosts=Hosts(address.expose, allowed),
        root_path=below,
        everyone_teaches=address.teach,
    )
    with listen(listens_on, address.port) as listening:
        addresses = addresses_of(listening, below)
        _show_addresses(addresses, is_exposed=listens_on not in LOOPBACK_HOSTS)
        if open_browser:
            webbrowser.open(addresses[-1])
        try:
            run(app, listening, output.warning, limits_of_system(is_behind_proxy=bool(allowed or below)))
        except KeyboardInterrupt as stop:
            stop_signals.leave(output.ended(stop))


def _listening_host(host: str | None, expose: bool, *, everyone_teaches: bool = False) -> str:
    """The address to listen on; makes sure that the user knows who can connect."""
    if host in LOOPBACK_HOSTS or not (host or expose):
        return host or LOOPBACK_HOSTS[0]
    if not expose:
        raise InvalidInput(
            f"--host {host} would let others in: whoever reaches it sees all indexed videos, without a password. "
            "Add --expose if you mean that, or omit --host and use an SSH tunnel"
        )
    reached, teaches = host or "this machine", " and can teach concepts" if everyone_teaches else ""
    output.warning(
        f"whoever reaches {reached} sees all indexed videos{teaches}: there is no password and no encryption"
    )
    return host or EVERY_HOST


def _show_addresses(addresses: list[str], *, is_exposed: bool) -> None:
    """Writes the addresses to stdout, those for other machines first; on a terminal also a code to scan."""
    for address in addresses:
        output.line(address)
    if is_exposed and "//127." in addresses[0]:
        output.warning("this machine is on no network, so that no other one reaches it")
    elif is_exposed and output.stdout_is_terminal():
        output.qr_code(addresses[0])
        output.note("Scan the code with a phone in the same network")
    output.note("Ctrl-C ends it")
