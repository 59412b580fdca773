"""Which videos show the same frames: files, their copies, and moments of them that overlap in time."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

from vifi_cli.data.labeled_videos import LabeledVideo


def joined_groups(
    videos: Sequence[LabeledVideo], groups: Sequence[str], copies: Sequence[tuple[Path, ...]] = ()
) -> list[str]:
    """The group of each video, where groups that show the same frames have become one.

    They do if moments of one file overlap in time, also where files are equal: `copies` are groups of such files. A
    joined group has the name of one of its groups. Without moments and copies, the groups stay as they are.
    """
    if not copies and not any(video.is_moment for video in videos):
        return list(groups)
    original = {path: files[0] for files in copies for path in files}
    videos = [replace(video, path=original.get(video.path, video.path)) for video in videos]
    joined = {group: group for group in groups}

    def name_of(group: str) -> str:
        while joined[group] != group:
            joined[group] = group = joined[joined[group]]
        return group

    latest: LabeledVideo | None = None  # of the moments of a file so far, the one that ends last
    latest_group = ""
    members = sorted(zip(videos, groups, strict=True), key=lambda member: _place(member[0]))
    for video, group in members:
        if latest is not None and latest.path == video.path and latest.part.overlaps(video.part):
            joined[name_of(group)] = name_of(latest_group)
        if latest is None or latest.path != video.path or latest.part.end_seconds < video.part.end_seconds:
            latest, latest_group = video, group
    return [name_of(group) for group in groups]


def _place(video: LabeledVideo) -> tuple[str, float]:
    return str(video.path), video.part.start_seconds


class SameFrames:
    """Finds out which of some videos show frames of another one: the same file, or a copy, at the same time."""

    def __init__(self, videos: Iterable[LabeledVideo], copies: Sequence[tuple[Path, ...]] = ()) -> None:
        """`copies` are groups of files with equal content."""
        self._original = {path: files[0] for files in copies for path in files}
        of_path: dict[Path, list[LabeledVideo]] = {}
        of_content: dict[Path, list[LabeledVideo]] = {}
        for video in videos:
            of_path.setdefault(video.path, []).append(video)
            of_content.setdefault(self._content(video), []).append(video)
        self._of_path = {path: _Parts(members) for path, members in of_path.items()}
        self._of_content = {path: _Parts(members) for path, members in of_content.items()}

    def find_dependent(self, video: LabeledVideo) -> LabeledVideo | None:
        """One in the same file, or in a copy of it, at any time, unless groups tell both apart."""
        members = self._of_content.get(self._content(video))
        others = members.videos if members else ()
        return next((other for other in others if not (video.group and other.group)), None)

    def find(self, video: LabeledVideo) -> LabeledVideo | None:
        """One that shows frames of a video, preferably in the same file."""
        for members in (self._of_path.get(video.path), self._of_content.get(self._content(video))):
            if members and (found := members.overlapping(video)):
                return found
        return None

    def _content(self, video: LabeledVideo) -> Path:
        return self._original.get(video.path, video.path)


class _Parts:
    """Parts of one file, of which there may be thousands, by their start."""

    def __init__(self, videos: Sequence[LabeledVideo]) -> None:
        self.videos = sorted(videos, key=lambda video: video.part.start_seconds)
        self._starts = [video.part.start_seconds for video in self.videos]
        self._latest_ends = list(accumulate((video.part.end_seconds for video in self.videos), max))

    def overlapping(self, other: LabeledVideo) -> LabeledVideo | None:
        """The last one that begins before another part ends, and ends after it begins."""
        place = bisect_left(self._starts, other.part.end_seconds) - 1
        while place >= 0 and self._latest_ends[place] > other.part.start_seconds:
            if self.videos[place].part.overlaps(other.part):
                return self.videos[place]
            place -= 1
        return None
