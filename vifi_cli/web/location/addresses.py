"""The addresses of a server, as people type them into a browser."""

import ipaddress
import socket
from contextlib import suppress

EVERY_HOST = ("0.0.0.0", "::")
OUTSIDE = "192.0.2.1"  # reserved for documentation: packets to it take the default route
IN_TAILNET = "100.100.100.100"  # the name server in every Tailscale network
TAILNET = ipaddress.ip_network("100.64.0.0/10")


def addresses_of(listening: socket.socket, root_path: str = "") -> list[str]:
    """The addresses of a server, those for other machines first, the one for this machine last."""
    host, port = listening.getsockname()[:2]
    hosts = [*network_hosts(), "127.0.0.1"] if host in EVERY_HOST else [host]
    names = (f"[{name}]" if ":" in name else name for name in hosts)
    return [f"http://{name}:{port}{root_path}/" for name in names]


def network_hosts() -> list[str]:
    """The IPv4 addresses at which other machines reach this one: on its network, and in its Tailscale network."""
    on_network, in_tailnet = _source_address(OUTSIDE), _source_address(IN_TAILNET)
    is_tailnet = in_tailnet is not None and ipaddress.ip_address(in_tailnet) in TAILNET
    found = dict.fromkeys((on_network, in_tailnet if is_tailnet else None))
    return [host for host in found if host is not None]


def _source_address(target: str) -> str | None:
    """The address from which this machine would reach another one; None if it would not."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((target, 9))  # for UDP this sends nothing
        host: str = probe.getsockname()[0]
        return None if ipaddress.ip_address(host).is_loopback else host
    return None
