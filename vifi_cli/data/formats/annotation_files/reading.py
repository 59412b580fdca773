"""Recognizes annotation files by their content, and reads one or several into one list of videos."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from vifi_cli.data.formats.annotation_files.boris_project import boris_project_moments
from vifi_cli.data.formats.annotation_files.boris_table import (
    LONGEST_PREAMBLE,
    boris_table_moments,
    delimiter_of,
)
from vifi_cli.data.formats.annotation_files.cvat import cvat_moments
from vifi_cli.data.formats.annotation_files.elan import elan_moments
from vifi_cli.data.formats.annotation_files.media import FinderBeside, MediaFinder
from vifi_cli.data.formats.annotation_files.moments import (
    LabeledMoment,
    LayerAbsent,
    Omission,
    listing_of,
)
from vifi_cli.data.formats.annotation_files.structured_file import HEAD_BYTES, load_json, root_tag
from vifi_cli.data.formats.annotation_files.via import CSV_HEADER, via_project_moments, via_table_moments
from vifi_cli.data.formats.folders.video_tree import files_below
from vifi_cli.data.formats.listing import Listing
from vifi_cli.errors import InvalidInput
from vifi_cli.video.files.recognition import VIDEO_SUFFIXES

Read = Callable[[Path, str | None, MediaFinder], Iterator[LabeledMoment | Omission]]
"""Reads the moments of a file's layer, such as a tier; None for its only one. The finder shows which videos exist."""

READABLE = "BORIS (.boris, or events as CSV or TSV), ELAN (.eaf), CVAT (XML 1.1) and VIA 3 (JSON or CSV)"
A_TABLE = 'a list such as [{"path": "a.mp4", "label": "run"}]'
XML_READERS: dict[str, Read] = {"ANNOTATION_DOCUMENT": elan_moments, "annotations": cvat_moments}
JSON_READERS: dict[frozenset[str], Read] = {
    frozenset({"behaviors_conf", "observations"}): boris_project_moments,
    frozenset({"metadata", "attribute", "view", "file"}): via_project_moments,
}
WITHOUT_LAYERS = (boris_project_moments, boris_table_moments)
WITHOUT_LABELS = Omission("annotation file without labels", "annotation files without labels")
SUFFIXES = (".eaf", ".boris")  # of files that are nothing else
MOST_CAMERAS = 4  # videos of a session
XML_SUFFIXES, JSON_SUFFIXES, TABLE_SUFFIXES = (".xml", ".eaf"), (".json", ".boris"), (".csv", ".tsv")


def annotation_files(folder: Path) -> list[Path]:
    """The files of BORIS and ELAN in a folder, which usually hold the labels of one session each.

    Without any, it takes those in its subfolders: many people keep a folder for each session. A few files of ELAN among
    many videos do not label these.
    """
    files = sorted(path for path in folder.iterdir() if _is_session(path) and path.is_file())
    if files:
        return files
    below = list(map(Path, files_below(str(folder), skip_unreadable=True)))
    files = list(filter(_is_session, below))
    videos = sum(path.suffix.lower() in VIDEO_SUFFIXES for path in below) if files else 0
    has_project = any(path.suffix.lower() == ".boris" for path in files)
    return files if has_project or len(files) * MOST_CAMERAS >= videos else []


def _is_session(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def is_annotation_file(path: Path) -> bool:
    """Whether a file is one of these, or by its suffix nothing else that vifi reads."""
    suffix = path.suffix.lower()
    return suffix in (*XML_SUFFIXES, *JSON_SUFFIXES) or (
        suffix in TABLE_SUFFIXES and _table_reader(path) is not None
    )


def read_annotation_files(
    paths: Sequence[Path],
    folder: Path,
    layer: str | None = None,
    data_root: Path | None = None,
    class_names: Sequence[str] | None = None,
) -> tuple[Listing, MediaFinder]:
    """Reads annotation files in a folder, and the finder for their videos, which are there or under `data_root`.

    A file in a subfolder means the videos beside it, where there are any of the name.

    `layer` is the tier or attribute that holds the labels, None for the only one. The classes are `class_names`, or
    else all labels, sorted.

    Raises:
        InvalidInput: a file is none that vifi reads, has several layers to choose from, or has no labeled moment.
    """
    finder = MediaFinder([folder, data_root] if data_root else [folder])
    found = listing_of(
        _moments(paths, layer, finder), str(paths[0] if len(paths) == 1 else folder), class_names
    )
    sought = tuple(video for video in found.videos if video.file not in finder.beside)
    return found, MediaFinder(finder.folders, replace(found, videos=sought))


def _moments(
    paths: Sequence[Path], layer: str | None, finder: MediaFinder
) -> Iterator[LabeledMoment | Omission]:
    """The moments of all files, some of which may have no labels yet."""
    absent: list[LayerAbsent] = []
    for path in paths:
        try:
            if path.parent == finder.folders[0]:
                yield from _reader_of(path, layer)(path, layer, finder)
            else:
                beside = FinderBeside(path.parent, finder)
                yield from map(beside.located, _reader_of(path, layer)(path, layer, beside))
        except LayerAbsent as error:
            absent.append(error)
    if len(absent) == len(paths):
        raise absent[0]
    yield from [WITHOUT_LABELS] * len(absent)


def _reader_of(path: Path, layer: str | None) -> Read:
    suffix = path.suffix.lower()
    reader: Read | None = None
    if suffix in XML_SUFFIXES:
        reader = XML_READERS.get(root_tag(path))
    elif suffix in JSON_SUFFIXES:
        reader = _json_reader(path)
    else:
        reader = _table_reader(path)
    if reader is None:
        table = f"; a table is {A_TABLE}" if suffix in JSON_SUFFIXES else ""
        raise InvalidInput(
            f"{path} is not an annotation file that vifi knows: it reads those of {READABLE}{table}"
        )
    if layer is not None and reader in WITHOUT_LAYERS:
        raise InvalidInput(f"{path} has no layers to choose from: omit ':{layer}'")
    return reader


def _json_reader(path: Path) -> Read | None:
    content = load_json(path)
    keys = set(content) if isinstance(content, dict) else set()
    if "_via_img_metadata" in keys or "_via_settings" in keys:
        raise InvalidInput(f"{path} is of VIA 2, which annotates pictures: vifi reads projects of VIA 3")
    return next((reader for needed, reader in JSON_READERS.items() if keys >= needed), None)


def _table_reader(path: Path) -> Read | None:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES).decode("utf-8-sig", "replace")
    except OSError:
        return None
    if any(line.startswith(CSV_HEADER) for line in head.split("\n")[:LONGEST_PREAMBLE]):
        return via_table_moments
    return boris_table_moments if delimiter_of(head) else None
