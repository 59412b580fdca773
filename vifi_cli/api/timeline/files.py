"""Writes timelines as files: tables, ELAN, BORIS and pictures, in the form that the name's suffix says."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.api.feedback import AUTOMATIC, Feedback
from vifi_cli.api.timeline.tables import (
    BUDGET_COLUMNS,
    OCCURRENCE_COLUMNS,
    budget_rows,
    occurrence_rows,
    table_text,
    timelines_document,
)
from vifi_cli.api.timeline.timeline import VideoTimeline
from vifi_cli.data.formats.annotation_files.written.annotated_video import AnnotatedVideo
from vifi_cli.data.formats.annotation_files.written.boris import boris_project
from vifi_cli.data.formats.annotation_files.written.elan import elan_document
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import given_path, write_file

CSV, TSV, JSON, ELAN, BORIS = ".csv", ".tsv", ".json", ".eaf", ".boris"
PICTURES = (".png", ".svg")
SUFFIXES = (CSV, TSV, JSON, ELAN, BORIS, *PICTURES)
ONE_VIDEO_EACH = (ELAN, *PICTURES)
NAME = "{name}"
"""Stands for the name of a video, without its suffix, where each video has a file of its own."""


def write_timelines(
    timelines: VideoTimeline | Sequence[VideoTimeline],
    *targets: Path | str,
    overwrite: bool = False,
    summary: bool = False,
    feedback: Feedback = AUTOMATIC,
) -> list[Path]:
    """Writes timelines as tables (.csv, .tsv, .json), for ELAN (.eaf) or BORIS (.boris), or as pictures (.png, .svg).

    Args:
        timelines: what `OpenIndex.timeline` returns, at least one, all with the same labels.
        targets: files; `{name}` in a name makes one for each video, named as the video is.
        overwrite: whether existing files may be replaced.
        summary: whether tables hold the time budget in place of the occurrences.
        feedback: how notes and progress are shown.

    Raises:
        InvalidInput: a form is unknown or holds one video only, or a file exists already or is one of the videos.
    """
    given = [timelines] if isinstance(timelines, VideoTimeline) else list(timelines)
    return TimelineFiles(tuple(map(Path, targets)), overwrite, summary).write(given, feedback)


@dataclass(frozen=True, slots=True)
class TimelineFiles:
    """Where timelines are written."""

    targets: tuple[Path, ...] = ()
    overwrite: bool = False
    is_summary: bool = False  # whether tables hold the time budget in place of the occurrences

    def check(self, videos: Sequence[Path]) -> None:
        """Makes sure that the timelines of some videos can be written.

        Raises:
            InvalidInput: a form is unknown or holds one video only, or a file exists already or is one of the videos.
        """
        planned: list[Path] = []
        for target in self.targets:
            suffix = target.suffix.lower()
            if suffix not in SUFFIXES:
                raise InvalidInput(
                    f"{target} has no known form: end its name with .csv, .tsv or .json, .eaf (ELAN), .boris, .png or "
                    ".svg"
                )
            if suffix in ONE_VIDEO_EACH and len(videos) > 1 and NAME not in str(target):
                raise InvalidInput(
                    f"{target} holds one video, and there are {len(videos):,}: put {NAME} into its path, as in "
                    f"{target.with_name(NAME + suffix)}"
                )
            paths = self._paths(target, videos)
            if twice := next((path for path in paths if paths.count(path) > 1), None):
                raise InvalidInput(
                    f"several of the videos would be written to {twice}: name one of them at a time"
                )
            planned += paths
        self._check_places(planned, videos)

    def write(self, timelines: Sequence[VideoTimeline], feedback: Feedback = AUTOMATIC) -> list[Path]:
        """Writes the timelines of at least one video; returns the files. Raises InvalidInput as `check` does."""
        self.check([each.path for each in timelines])
        annotated: Sequence[AnnotatedVideo] = ()
        if any(target.suffix.lower() in (ELAN, BORIS) for target in self.targets):
            from vifi_cli.api.timeline.player_clock import annotated_videos  # PyAV

            annotated = annotated_videos(timelines, feedback)
        written: list[Path] = []
        for target in self.targets:
            paths = self._paths(target, [each.path for each in timelines])
            for place, path in enumerate(paths):
                part = slice(place, place + 1) if len(paths) > 1 else slice(None)
                write_file(path, self._content(path, timelines[part], annotated[part]))
            written += paths
        return written

    def _content(
        self, path: Path, timelines: Sequence[VideoTimeline], annotated: Sequence[AnnotatedVideo]
    ) -> bytes:
        suffix = path.suffix.lower()
        if suffix == JSON:
            return (json.dumps(timelines_document(timelines), indent=2) + "\n").encode()
        if suffix in (CSV, TSV):
            columns, rows = (
                (BUDGET_COLUMNS, budget_rows(timelines))
                if self.is_summary
                else (OCCURRENCE_COLUMNS, occurrence_rows(timelines))
            )
            text = table_text(columns, rows, "," if suffix == CSV else "\t")
            return text.encode(errors="surrogateescape")
        if suffix in PICTURES:
            from vifi_cli.api.timeline.picture import timeline_picture

            return timeline_picture(timelines[0], suffix)
        if suffix == ELAN:
            return elan_document(annotated[0], path)
        return boris_project(annotated, path.stem)

    def _paths(self, target: Path, videos: Sequence[Path]) -> list[Path]:
        """The files of a target: one, or one for each video."""
        if NAME not in str(target):
            return [given_path(target)]
        return [given_path(str(target).replace(NAME, video.stem)) for video in videos]

    def _check_places(self, planned: Sequence[Path], videos: Sequence[Path]) -> None:
        for place, path in enumerate(planned):
            if path in planned[:place]:
                raise InvalidInput(f"{path} would be written twice: give each output its own name")
            if path.is_dir():
                raise InvalidInput(f"{path} is a folder: name a file in it")
            if path in videos:
                raise InvalidInput(f"{path} is one of the videos: write to another place")
        existing = [path for path in planned if os.path.lexists(path)]
        if existing and not self.overwrite:
            more = f", and {len(existing) - 1:,} more" if len(existing) > 1 else ""
            raise InvalidInput(
                f"{existing[0]} already exists{more}: choose another place, or add --overwrite"
            )
