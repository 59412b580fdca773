"""Serves the page below a path, as behind a reverse proxy that has other pages too: `https://example.org/vifi/`.

Proxies differ: some pass on the path as the browser sent it, others remove the part that led them here. Both are
understood, and every address on the page begins with the path.
"""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from vifi_cli.errors import InvalidInput

SUB_PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")


class SubPath:
    """Wraps an application so that it is found below a path as well as at the root."""

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        """`root_path` is empty, or begins with a slash and does not end with one."""
        self._app = app
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, with `root_path` in its scope and at the beginning of its path."""
        if scope["type"] != "lifespan" and self._root_path:
            # a proxy that removes `/vifi` but not the slash after it sends two
            sent = "/" + scope["path"].lstrip("/")
            path = f"{self._root_path}{_without(self._root_path, sent) or '/'}"
            scope = {**scope, "root_path": self._root_path, "path": path}
        await self._app(scope, receive, send)


def root_of(scope: Scope) -> str:
    """The path below which the page is served, empty for the root; put it before each address on a page."""
    # the first one, inside of a Starlette Mount
    root: str = scope.get("app_root_path", scope.get("root_path", ""))
    return root


def path_inside(scope: Scope) -> str:
    """The path of a request below the root of the page, which begins with a slash."""
    return _without(root_of(scope), scope["path"]) or "/"


def parse_sub_path(text: str) -> str:
    """Reads `--root-path`: `/vifi`, with or without a slash at either end; `/` means the root.

    Raises:
        InvalidInput: it is not a path that browsers and proxies write in one way only.
    """
    path = f"/{text.strip().strip('/')}"
    if path == "/":
        return ""
    if not SUB_PATH.fullmatch(path):
        raise InvalidInput(
            f"--root-path {text}: not a path of letters, digits and -._~ between slashes: write /vifi"
        )
    return path


def _without(root_path: str, path: str) -> str:
    is_below = path == root_path or path.startswith(f"{root_path}/")
    return path.removeprefix(root_path) if is_below else path
