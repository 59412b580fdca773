"""Reads the annotation files of Kinetics, as DeepMind and CVDF distribute them: CSV, and for 400 and 700 also JSON.

A CSV has the columns label, youtube_id, time_start and time_end, and often split. The JSON of a split has an object for
each video: `{"ID": {"annotations": {"label": …, "segment": [84.0, 94.0]}, "subset": "validate"}}`. Videos are trimmed
to their ten seconds, and called `ID_000084_000094.mp4`, or `ID.mp4`.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.data.formats.annotation_files.moments import LabeledMoment
from vifi_cli.data.formats.annotation_files.structured_file import list_in, load_json, object_in
from vifi_cli.data.formats.folders.video_tree import VideoTree
from vifi_cli.data.formats.listing import SPLIT_NAMES, Split
from vifi_cli.data.formats.text_file import read_text
from vifi_cli.data.public_datasets.datasets import PUBLIC_SETS
from vifi_cli.errors import InvalidInput

_COLUMNS = {"label", "youtube_id", "time_start", "time_end"}
_JSON_NAME = re.compile(r"(kinetics[-_]?\d*[-_]?)?(train|val|validate|validation|test)\.json", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class KineticsClip:
    """A line of an annotation file."""

    file: str
    label: str
    split: Split
    where: str  # file and line, for messages


def kinetics_clips(files: Sequence[Path]) -> Iterator[KineticsClip]:
    """The labeled clips in every CSV with Kinetics' columns; the split is a column, or else in the file name.

    Raises:
        InvalidInput: a file does not name its split, or a time is not a number.
    """
    for path in files:
        if is_kinetics_table(path):
            for number, row in enumerate(csv.DictReader(io.StringIO(read_text(path))), start=2):
                if row["label"]:  # that of some test files is empty
                    file = _file(row["youtube_id"], row["time_start"], row["time_end"])
                    yield KineticsClip(
                        file, row["label"], _split(row.get("split"), path), f"{path}, line {number}"
                    )


def is_kinetics_table(path: Path) -> bool:
    """Whether a file is a CSV of Kinetics, which names no files."""
    return path.suffix.lower() == ".csv" and path.is_file() and _header(path) >= _COLUMNS


def kinetics_moments(tree: VideoTree) -> Iterator[LabeledMoment]:
    """The clips of the CSV and JSON files of Kinetics-700, as complete videos; those of 400 and 600 look the same."""
    folders = {folder for name in ("k400", "k600") for folder in PUBLIC_SETS[name].folder_names}
    files = [
        path
        for path in tree.texts
        if folders.isdisjoint(part.lower() for part in path.relative_to(tree.root).parts[:-1])
    ]
    for clip in (*kinetics_clips(files), *_json_clips(files)):
        yield LabeledMoment(clip.file, (clip.label,), split=clip.split)


def _json_clips(files: Sequence[Path]) -> Iterator[KineticsClip]:
    for path in files:
        if not _JSON_NAME.fullmatch(path.name):
            continue
        content = load_json(path)
        for identifier, value in content.items() if isinstance(content, dict) else ():
            where = f"{path}, {identifier}"
            entry = object_in(value, where)
            clip = object_in(entry.get("annotations"), f"{where}, annotations")
            segment = list_in(clip.get("segment"), f"{where}, segment")
            if clip.get("label") and len(segment) == 2:
                file = _file(identifier, str(segment[0]), str(segment[1]))
                yield KineticsClip(file, str(clip["label"]), _split(str(entry.get("subset")), path), where)


def _header(path: Path) -> set[str]:
    with path.open("rb") as file:
        line = file.readline().decode("utf-8-sig", "replace")
    return {cell.strip().strip('"') for cell in line.split(",")}


def _split(named: str | None, path: Path) -> Split:
    for spelled in (named,) if named in SPLIT_NAMES else re.split(r"[^a-z]+", path.stem.lower()):
        if spelled in SPLIT_NAMES:
            return SPLIT_NAMES[spelled]
    raise InvalidInput(f"{path} has no column `split` and no train, val or test in its name: rename it")


def _file(identifier: str, start: str, end: str) -> str:
    try:
        return f"{identifier}_{int(float(start)):06}_{int(float(end)):06}.mp4"
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"Kinetics' annotations have no time for {identifier}: {error}") from error
