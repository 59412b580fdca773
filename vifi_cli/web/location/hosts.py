"""The names under which the server answers, so that a foreign one cannot be made to lead here (DNS rebinding)."""

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from vifi_cli.errors import InvalidInput

LONGEST_NAME = 253
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


@dataclass(frozen=True, slots=True)
class Hosts:
    """The names that may stand in the Host header of a request."""

    exposed: bool = False  # whether other machines may use the server at its own addresses and name
    allowed: frozenset[str] = frozenset()  # further names, as `name_in` returns them

    def include(self, host: str) -> bool:
        """Whether a Host header, with or without a port, names this server."""
        return names_this_machine(host, exposed=self.exposed) or name_in(host) in self.allowed


def names_this_machine(host: str, *, exposed: bool) -> bool:
    """Whether a Host header names this machine in a way that no foreign name server can influence.

    That is `localhost` or an address of the machine for itself; if it is open to others, any numerical address, and
    the machine's own name.
    """
    name = _name_before_port(host)
    if name is None:
        return False
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        own = socket.gethostname().lower()
        short = own.partition(".")[0]
        return name == "localhost" or (exposed and name in {own, short, f"{short}.local"})
    return exposed or address.is_loopback


def name_in(host: str) -> str | None:
    """The name in a Host header in the one form that is compared: no port, lower case, no dot at the end.

    None if it is not a name or an address.
    """
    name = _name_before_port(host)
    if not name:
        return None
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        name = name.removesuffix(".")
    labels = name.split(".")
    is_name = all(map(LABEL.fullmatch, labels)) and not labels[-1].isdigit() and len(name) <= LONGEST_NAME
    return name if is_name else None


def parse_allowed_host(text: str) -> str:
    """Reads `--allow-host`: a name or an address alone; letters beyond ASCII become what browsers send for them.

    Raises:
        InvalidInput: it is something else; the text suggests the name in it.
    """
    given = text.strip()
    bare = f"[{given}]" if given.count(":") > 1 and "[" not in given else given  # an IPv6 address
    name = None if _has_port(bare) else name_in(_in_ascii(bare))
    if name is None:
        in_url = urlsplit(given if "//" in given else f"//{given}", allow_fragments=False)
        inner = name_in(_in_ascii(in_url.netloc)) if "*" not in given else None
        hint = (
            f"write --allow-host {inner}" if inner else "write one name in full, such as videos.example.org"
        )
        raise InvalidInput(f"--allow-host {text}: not the name of a host alone: {hint}")
    return name


def _name_before_port(host: str) -> str | None:
    """The name or address in lower case, without the brackets of IPv6; None if there is more than a name and a port."""
    if "@" in host or "/" in host:
        return None
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises if it is not a number
        return parts.hostname or ""
    except ValueError:
        return None


def _has_port(host: str) -> bool:
    return host.rpartition("]")[2].count(":") > 0


def _in_ascii(host: str) -> str:
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return ""
