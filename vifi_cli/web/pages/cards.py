"""What a page shows of a hit: addresses and words, ready to be written."""

from dataclasses import dataclass
from urllib.parse import urlencode

from vifi_cli.web import wording
from vifi_cli.web.library.address import Stretch
from vifi_cli.web.library.question import Question
from vifi_cli.web.library.searching import Hit


@dataclass(frozen=True, slots=True)
class Card:
    """A hit on a page.

    Attributes:
        name: of the file.
        folder: it lies in, as it is called from the folder that was indexed.
        path: of the file, in full.
        time: where in the video the moment is; of a whole video, its length.
        score: how relevant it is, or where that is not known its cosine; empty where it was not searched for.
        is_relevant: whether it is more of a find than a guess.
        play: address of the page that plays it.
        like: address of the search for its like.
        still: address of the frame in its middle.
        preview: address of it as a moving picture.
        sources: address that tells how it is played.
    """

    name: str
    folder: str
    path: str
    time: str
    score: str
    is_relevant: bool
    play: str
    like: str
    still: str
    preview: str
    sources: str


def card_of(hit: Hit, question: Question | None = None) -> Card:
    """The card of a hit; the search for its like keeps the filters of a question."""
    key, start, end = hit.video.key, hit.start_seconds, hit.end_seconds
    span = urlencode({"start": f"{start:.3f}", "end": f"{end:.3f}"})
    is_whole = hit.score is None
    number = hit.score if hit.relevance is None else hit.relevance
    like = Stretch(key, start, end)
    return Card(
        name=wording.shown(hit.video.path.name),
        folder=wording.place_of(hit.video.path, hit.video.root),
        path=wording.shown(str(hit.video.path)),
        time=wording.clock(end) if is_whole else f"{wording.clock(start)} – {wording.clock(end)}",
        score="" if number is None else wording.rounded_down(number),
        is_relevant=hit.is_relevant,
        play=f"/play/{key}?{span}",
        like=(question or Question()).address(words="", like=like, top=Question().top),
        still=f"/video/{key}/still?{span}",
        preview=f"/video/{key}/preview?{span}",
        sources=f"/video/{key}/sources?{span}",
    )
