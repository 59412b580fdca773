"""Who may teach concepts: only then the page offers it, and the API carries it out."""

import os
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request

from vifi_cli import paths
from vifi_cli.index.concepts.database import concepts_file
from vifi_cli.web.guard import FORBIDDEN, is_local_viewer, require_own_script

ONLY_LOCAL = (
    "only the machine where vifi runs may teach concepts: start `vifi serve --teach` to let others do it"
)


@dataclass(frozen=True, slots=True)
class Teachers:
    """The viewers who may teach the concepts of an index."""

    index_folder: Path
    everyone: bool = False  # whoever reaches the server, as opposed to who sits at this machine

    def obstacle(self, request: Request) -> str:
        """Why a viewer cannot teach, in one line; empty if nothing is in the way."""
        if not self.everyone and not is_local_viewer(request):
            return ONLY_LOCAL
        file = concepts_file(self.index_folder)
        if file.exists() and not os.access(file, os.W_OK):
            return f"concepts cannot be taught here: {file} is not writable"
        reason = paths.write_obstacle(file.parent)
        return f"concepts cannot be taught here: {reason}" if reason else ""

    def require(self, request: Request) -> None:
        """Refuses a request to teach: fails with `403 Forbidden`."""
        require_own_script(request)
        if reason := self.obstacle(request):
            raise HTTPException(FORBIDDEN, reason)
