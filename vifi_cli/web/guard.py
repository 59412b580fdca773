"""Protects the server: checks every request, and adds headers to every answer.

Any page on the web can make the user's browser send requests to this machine. Three headers give them away: the Host
(a name of an attacker's that resolves to this machine, as in DNS rebinding), the Origin, and Sec-Fetch-Site. Nothing
here changes anything, so the server answers only GET and HEAD.
"""

import ipaddress
import socket
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vifi_cli.web.sub_path import path_inside, root_of

MEDIA_PREFIX = "/video/"
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

    def __init__(self, app: ASGIApp, *, exposed: bool) -> None:
        """Wraps an application; `exposed` means that other machines may use it too."""
        self._app = app
        self._exposed = exposed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = why_refused(scope, exposed=self._exposed)
        answer = self._app if refusal is None else _refused(refusal)
        await answer(scope, receive, send_protected)


def why_refused(scope: Scope, *, exposed: bool) -> str | None:
    """Why a request is not the user's own; None if it may be."""
    headers = Headers(scope=scope)
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not names_this_machine(hosts[0], exposed=exposed):
        return "This address does not lead here: use the one that `vifi serve` has printed."
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != hosts[0]:
        return "Other sites may not use this page."
    site = headers.get("sec-fetch-site", "none")
    is_visit = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    if site not in OWN_SITES and not (is_visit and not path_inside(scope).startswith(MEDIA_PREFIX)):
        return "Other sites may not use this page."
    return None


def names_this_machine(host: str, *, exposed: bool) -> bool:
    """Whether a Host header names this machine in a way that no foreign name server can influence.

    That is `localhost` or an address of the machine for itself; if it is open to others, any numerical address, and
    the machine's own name.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
        urlsplit(f"//{host}").port  # noqa: B018 - raises if it is not a number
    except ValueError:
        return False
    if "@" in host or "/" in host:
        return False
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        own = socket.gethostname().lower()
        return name == "localhost" or (exposed and name in {own, f"{own}.local"})
    return exposed or address.is_loopback


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
    seen_by_browser = (urlsplit(headers[name]).netloc for name in ("origin", "referer") if name in headers)
    is_at_home = all(names_this_machine(host, exposed=False) for host in (headers["host"], *seen_by_browser))
    return is_at_home and request.client is not None and _is_loopback(request.client.host)


def _is_loopback(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return (getattr(parsed, "ipv4_mapped", None) or parsed).is_loopback


def _refused(reason: str) -> Response:
    return PlainTextResponse(f"{reason}\n", 403)
