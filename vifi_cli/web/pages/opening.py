"""Opens a moment in the player of the user who sits at this machine."""

import asyncio
from functools import partial

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vifi_cli.api.playback import open_in_player
from vifi_cli.errors import VifiError
from vifi_cli.web.guard import is_local_viewer, require_own_script
from vifi_cli.web.requests.index_reader import IndexReader, span_of

FORBIDDEN = 403
NOT_KEPT = {"Cache-Control": "no-store"}


class Opening:
    """Answers requests to open a moment in the player, one after the other."""

    def __init__(self, library: IndexReader) -> None:
        self._library = library
        self._turns = asyncio.Semaphore(1)

    def routes(self) -> list[Route]:
        """The address to which the page sends them."""
        return [Route("/video/{key}/open", self.open, methods=["POST"])]

    async def open(self, request: Request) -> Response:
        """Opens a moment; answers in words, as JSON."""
        require_own_script(request)
        if not is_local_viewer(request):
            raise HTTPException(
                FORBIDDEN, "The player opens on the machine where vifi runs: open the page there."
            )
        video = await self._library.video(request)
        start_seconds, _ = span_of(request, video)
        try:
            async with self._turns:
                opened = await asyncio.to_thread(partial(open_in_player, video.path, start_seconds))
        except VifiError as error:
            return JSONResponse({"problem": str(error)}, headers=NOT_KEPT)
        return JSONResponse({"player": opened.player, "remarks": opened.remarks}, headers=NOT_KEPT)
