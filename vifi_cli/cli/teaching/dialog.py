"""The dialog of `vifi teach`: shows one moment after the other, and takes each answer by a key."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vifi_cli import wording
from vifi_cli.cli.search.open import play
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.keys import ReadKey
from vifi_cli.errors import InvalidInput, PlayerFailed

if TYPE_CHECKING:
    from collections.abc import Generator

    from vifi_cli.api.search.hits.thumbnails import Thumbnails
    from vifi_cli.api.teaching.questions import Questions
    from vifi_cli.cli.terminal.pictures.layout import PictureList
    from vifi_cli.index.search.video_index import SearchHit

REPORT_EVERY = 3
"""So many marks bring a line about what was learned."""

FRAMES = 3
"""One frame seldom shows what happens."""

KEYS = "y/n/s/o/u/q/?"
HELP = (
    ("y", "right: this moment shows it"),
    ("n", "wrong: it does not"),
    ("s", "skip it, without a mark"),
    ("o", "open it in your video player"),
    ("u", "undo your last answer"),
    ("q", "quit; your marks are stored already"),
)
STRIP_ROWS, STRIP_COLUMNS = 12, 100
"""The most that frames side by side take."""

WIDE = 60
"""A narrower terminal shows one frame."""


@dataclass(frozen=True, slots=True)
class Dialog:
    """Asks until nothing is left to ask, or the user quits."""

    questions: Questions
    question: str  # such as `a person waves?`
    view: HitView
    player: str | None

    def talk(self, read_key: ReadKey) -> None:
        """Asks one question after the other."""
        while (hit := self.questions.asked) is not None:
            self.view.show(hit)
            try:
                if not self._is_answered(hit, read_key):
                    return
            except EOFError:
                output.prompt("\n")
                return
        output.note("nothing is left to ask: the rest looks like what you have marked or skipped")

    def _is_answered(self, hit: SearchHit, read_key: ReadKey) -> bool:
        """Takes keys until one answers the question; False to quit."""
        while True:
            output.prompt(f"{self.question} [{KEYS}] ")
            match read_key().lower():
                case "y" | "n" as key:
                    self._mark(is_right=key == "y")
                    return True
                case "s":
                    output.prompt("skipped\n")
                    self.questions.skip()
                    return True
                case "u":
                    if self.questions.undo():
                        output.prompt("undone\n")
                        return True
                    output.prompt("nothing to undo yet\n")
                case "o":
                    output.prompt("open\n")
                    self._open(hit)
                case "q":
                    output.prompt("quit\n")
                    return False
                case _:
                    output.prompt("\n")
                    output.rows(("Key", "What it does"), HELP)

    def _mark(self, *, is_right: bool) -> None:
        """Stores a mark before it says so."""
        from vifi_cli.api.teaching.report import teaching_report

        try:
            concept = self.questions.mark(is_right=is_right)
        except InvalidInput as error:  # such as a video that has just left the index
            output.prompt("not marked\n")
            output.warning(str(error))
            return
        output.prompt("right\n" if is_right else "wrong\n")
        if len(concept.marks) % REPORT_EVERY == 0:
            output.note(teaching_report(concept).line)

    def _open(self, hit: SearchHit) -> None:
        try:
            play(hit.path, hit.start_seconds, self.player)
        except (InvalidInput, PlayerFailed) as error:
            output.warning(str(error))


@dataclass(frozen=True, slots=True)
class HitView:
    """Shows a moment to be marked: some of its frames where the terminal can, then time, relevance and video."""

    pictures: PictureList | None
    thumbnails: Thumbnails | None

    def show(self, hit: SearchHit) -> None:
        """Writes it below what was written before."""
        from PIL import Image
        from rich.text import Text

        if self.pictures is not None and self.thumbnails is not None:
            is_wide = self.pictures.console.width >= WIDE
            strip = self.thumbnails.strip(hit, FRAMES if is_wide else 1)
            self.pictures.show(None if strip is None else Image.fromarray(strip), [])
        moment = f"{wording.clock(hit.start_seconds)} – {wording.clock(hit.end_seconds)}"
        score = f"{hit.score_name} {wording.score_text(hit.number_shown)}"
        output.styled_line(Text.assemble(f"{moment}  {score}  ", output.path_link(hit.path)))


@contextmanager
def view_of_terminal(*, with_pictures: bool) -> Generator[HitView]:
    """How the terminal shows moments; pictures are decoded in one process until the end."""
    from vifi_cli.api.search.hits.thumbnails import Thumbnails
    from vifi_cli.cli.terminal.pictures.layout import PictureList

    pictures = PictureList.for_terminal() if with_pictures else None
    if pictures is None or pictures.kind == "none":
        yield HitView(None, None)
        return
    pictures = replace(pictures, rows=STRIP_ROWS, most_columns=STRIP_COLUMNS, share=1.0)
    with Thumbnails(pictures.picture_height) as thumbnails:
        yield HitView(pictures, thumbnails)
