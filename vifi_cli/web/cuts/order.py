"""What a viewer orders: the kind of file, and the moments in it, within bounds."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.errors import InvalidInput
from vifi_cli.video.edit_lists.edit_list import FORMATS, check_list_name
from vifi_cli.video.moment import Moment
from vifi_cli.web.requests.address import MomentAddress, parse_moment
from vifi_cli.wording import clock, one_line

CLIP, CLIPS, REEL = "clip", "clips", "reel"
MOST_CUT, MOST_LISTED = 100, 1000
LONGEST_SECONDS = 1800.0
"""Of all moments together that are encoded for one file."""
LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True)
class Order:
    """A file to make."""

    kind: str  # a clip, clips in a ZIP, a reel, or the suffix of a list
    title: str
    moments: tuple[MomentAddress, ...]

    @property
    def is_list(self) -> bool:
        """Whether no video is encoded."""
        return self.kind in FORMATS


def parse_order(content: bytes) -> Order:
    """Reads an order: `{"kind": "reel", "title": "a dog", "moments": ["12-9f3a61c2@6-10.5"]}`.

    Raises:
        InvalidInput: it is not one.
    """
    try:
        given = json.loads(content)
        kind, title, named = given["kind"], given.get("title") or "moments", given["moments"]
        moments = [parse_moment(text) for text in named] if isinstance(named, list) else []
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise InvalidInput("this is not an order for a download: reload the page and try again") from None
    found = tuple(dict.fromkeys(moment for moment in moments if moment is not None))
    if not found or not isinstance(title, str) or kind not in (CLIP, CLIPS, REEL, *FORMATS):
        raise InvalidInput("this is not an order for a download: reload the page and try again")
    return Order(kind, one_line(title[:LONGEST_TITLE]) or "moments", found[:1] if kind == CLIP else found)


def check_bounds(order: Order, moments: Sequence[Moment]) -> None:
    """Makes sure that an order can be carried out, and its moments encoded, in reasonable time.

    Raises:
        InvalidInput: there are too many moments, or they are too long.
        MissingDependency: the list needs a package that is not installed.
    """
    most = MOST_LISTED if order.is_list else MOST_CUT
    if len(order.moments) > most:
        raise InvalidInput(f"{len(order.moments):,} moments are too many for one file: select up to {most:,}")
    if order.is_list:
        check_list_name(Path(f"moments{order.kind}"))
        return
    total = sum(moment.end_seconds - moment.start_seconds for moment in moments)
    if total > LONGEST_SECONDS:
        raise InvalidInput(
            f"this is {clock(total)} of video, and the page cuts up to {clock(LONGEST_SECONDS)}: select less, or "
            "download a list and run `vifi cut`"
        )
