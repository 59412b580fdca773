"""Names of numbered pictures: which are a sequence, and which are those of frames rather than of photographs."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".jp2"})
_NUMBERED = re.compile(r"(?P<prefix>.*?)(?P<number>[0-9]{1,18})(?P<suffix>\.[^.]+)", re.DOTALL)
_PHOTOGRAPH = re.compile(  # names by cameras, phones, scanners, and programs for slides and books
    r"(IMG|DJI|DSC|PXL|SAM)[-_].*|.*BURST.*|_?DSC[FN]?|_MG_|CIMG|GOPR|P|"
    r"(?i:screen[-_ ]?shot.*|bildschirmfoto.*|(.*[-_ ])?(scan|slide|folie|page|seite)[-_ ]*)",
    re.DOTALL,
)
_FLOW = re.compile(r"flow[-_]?([xyuv][-_]?)?", re.IGNORECASE)
LEAST_PICTURES = 8  # fewer may be anything
REGULAR_SHARE = 0.9  # of the distances between numbers that are alike, in a folder that is clearly a sequence


@dataclass(frozen=True, slots=True)
class NumberedNames:
    """The picture files of one sequence, in order of their numbers."""

    names: tuple[str, ...]
    prefix: str  # of all names, before the number
    numbers: tuple[int, ...]
    is_alone: bool  # whether no other pictures are beside it, except those of optical flow

    @property
    def step(self) -> int:
        """The usual distance from one number to the next."""
        gaps = sorted(self.gaps)
        return max(gaps[len(gaps) // 2], 1) if gaps else 1

    @property
    def gaps(self) -> list[int]:
        """The distances from one number to the next."""
        return [after - before for before, after in pairwise(self.numbers)]

    @property
    def is_clear(self) -> bool:
        """Whether the names alone make it clear that these are frames of one video."""
        if not self.is_alone or len(self.names) < LEAST_PICTURES:
            return False
        gaps, step = self.gaps, self.step
        return sum(0.5 * step < gap < 1.5 * step for gap in gaps) >= REGULAR_SHARE * len(gaps)

    @property
    def are_of_photographs(self) -> bool:
        """Whether they are those of photographs, screenshots, scans or slides."""
        return _PHOTOGRAPH.fullmatch(self.prefix) is not None


def numbered_names(names: Iterable[str]) -> NumberedNames | None:
    """The longest sequence of pictures among the names in a folder, without pictures of optical flow; None if none."""
    sequences: dict[tuple[str, str], list[tuple[int, str]]] = {}
    others = False
    for name in names:
        if name.startswith(".") or not is_picture_name(name):
            continue
        found = _NUMBERED.fullmatch(name)
        if found is None:
            others = True
        elif not _FLOW.fullmatch(found["prefix"]):
            key = found["prefix"], found["suffix"].lower()
            sequences.setdefault(key, []).append((int(found["number"]), name))
    if not sequences:
        return None
    (prefix, _), longest = max(sequences.items(), key=lambda sequence: len(sequence[1]))
    numbers, ordered = zip(*sorted(longest), strict=True)
    return NumberedNames(ordered, prefix, numbers, is_alone=not others and len(sequences) == 1)


def are_names_of_frames(names: Iterable[str]) -> bool:
    """Whether the names in a folder make it clear that it holds the frames of one video.

    They are those of at least `LEAST_PICTURES` pictures in one numbered sequence with few gaps, and of no other
    pictures but those of optical flow.
    """
    found = numbered_names(names)
    return found is not None and found.is_clear


def is_picture_name(name: str) -> bool:
    """Whether a file may be a picture of a frame folder by its suffix."""
    return os.path.splitext(name)[1].lower() in PICTURES  # noqa: PTH122 - for speed
