"""Protects the server: checks every request, and adds headers to every answer.

Any page on the web can make the user's browser send requests to this machine. Three headers give them away: the Host
(a name of an attacker's that resolves to this machine, as in DNS rebinding), the Origin, and Sec-Fetch-Site. What
the page asks to be done, such as cutting a clip or marking a moment, it asks with a header of its own. Nothing changes
the index. Concepts and marks are kept beside it, and `Teachers` decides who can make them.
"""

import html
import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vifi_cli.web.location.hosts import Hosts, name_in, names_this_machine
from vifi_cli.web.location.sub_path import path_inside, root_of

MEDIA_PREFIX, API_PREFIX, CUT_PREFIX = "/video/", "/api/", "/cut/"
NOT_VISITED = MEDIA_PREFIX, API_PREFIX, CUT_PREFIX  # links from other sites lead to pages alone
FORBIDDEN = 403
OWN_HEADER, OWN_VALUE = "x-vifi", "page"
OTHER_SITE = "Other sites may not use this page."
REFUSAL_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>vifi</title>
<h1>Not at this address</h1><p>{}</p>
</html>
"""
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
OPENER_POLICY = "Cross-Origin-Opener-Policy"
OWN_SITES = ("same-origin", "none")  # "none": the user typed the address or chose a bookmark

FORWARDING = {
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "x-original-host",
}
"""Headers by which a proxy gives itself away, with all that begin with `X-Forwarded`."""


class Guard:
    """Refuses requests that are not the user's own, and adds protecting headers to every answer."""

    def __init__(self, app: ASGIApp, hosts: Hosts) -> None:
        """Wraps an application that answers under the names in `hosts`."""
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    if name != OPENER_POLICY or _may_be_secure(scope):
                        headers.setdefault(name, value)
            await send(message)

        refusal = why_refused(scope, self._hosts)
        answer = self._app if refusal is None else _refused(scope, refusal)
        await answer(scope, receive, send_protected)


def _may_be_secure(scope: Scope) -> bool:
    """Whether a browser heeds a policy for secure pages; at an address in the network it only logs an error."""
    host = name_in(Headers(scope=scope).get("host", "")) or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:  # a name, which may be that of a proxy with a certificate
        return True
    return _is_loopback(host)


def why_refused(scope: Scope, hosts: Hosts) -> str | None:
    """Why a request is not the user's own, in one line; None if it may be."""
    headers = Headers(scope=scope)
    given = headers.getlist("host")
    if len(given) != 1 or not hosts.include(given[0]):
        return _name_unknown(given)
    origin = headers.get("origin")
    if origin is not None and not _is_own_origin(_host_in(origin), given[0], hosts):
        return _origin_unknown(_host_in(origin))
    site = headers.get("sec-fetch-site", "none")
    is_visit = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    if site not in OWN_SITES and not (is_visit and not path_inside(scope).startswith(NOT_VISITED)):
        return OTHER_SITE
    return None


def _is_own_origin(origin: str, host: str, hosts: Hosts) -> bool:
    """Whether scripts at this place are the page's own: the host asked for, or one that a proxy may have replaced."""
    return origin == host or name_in(origin) in hosts.allowed


def _name_unknown(given: Sequence[str]) -> str:
    name = name_in(given[0]) if len(given) == 1 else None
    if name is None:
        return "This address does not lead here. Use the one that `vifi serve` has printed."
    return (
        f"vifi does not answer to the name {name}. Use the address that `vifi serve` has printed; "
        f"if you chose the name, as for a proxy, add this option to it: --allow-host {name}"
    )


def _origin_unknown(origin: str) -> str:
    name = name_in(origin)
    if name is None:
        return OTHER_SITE
    return f"{OTHER_SITE} If {name} is a proxy of yours, add this option to `vifi serve`: --allow-host {name}"


def require_own_script(request: Request) -> None:
    """Refuses a request that does something unless the page's own script has sent it: fails with `403 Forbidden`.

    Scripts of other sites cannot add this header without asking first, which nothing here answers; forms never can.
    """
    if request.headers.get(OWN_HEADER) != OWN_VALUE:
        raise HTTPException(FORBIDDEN, OTHER_SITE)


def is_local_viewer(request: Request) -> bool:
    """Whether the user sits at this machine, as far as a request shows: offer what happens on its screen only then.

    False behind a proxy: each says so in a header, or the browser's own address in `Origin` and `Referer` is another
    one. Nothing distinguishes a viewer at the other end of a tunnel, such as `ssh -L`, from one at this machine.
    """
    headers = request.headers
    if root_of(request.scope) or any(
        name in FORWARDING or name.startswith("x-forwarded") for name in headers
    ):
        return False
    seen_by_browser = (_host_in(headers[name]) for name in ("origin", "referer") if name in headers)
    is_at_home = all(names_this_machine(host, exposed=False) for host in (headers["host"], *seen_by_browser))
    return is_at_home and request.client is not None and _is_loopback(request.client.host)


def _host_in(url: str) -> str:
    """The host and port of a URL, empty if it has none, such as `null`."""
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


def _is_loopback(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return (getattr(parsed, "ipv4_mapped", None) or parsed).is_loopback


def _refused(scope: Scope, reason: str) -> Response:
    """The reason as the client reads it: JSON for programs, a page for people, else a line."""
    if path_inside(scope).startswith(API_PREFIX):
        return JSONResponse({"error": reason}, FORBIDDEN)
    if "text/html" in Headers(scope=scope).get("accept", ""):
        return HTMLResponse(REFUSAL_PAGE.format(html.escape(reason)), FORBIDDEN)
    return PlainTextResponse(f"{reason}\n", FORBIDDEN)
