"""Reads EPIC-KITCHENS-100, Diving-48 and Toyota Smarthome.

Sources: the READMEs of epic-kitchens/epic-kitchens-100-annotations, the files of Diving-48 V2 (svcl.ucsd.edu/projects/
resound), and Das et al., Toyota Smarthome, ICCV 2019, with the authors' evaluation protocols.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal

from vifi_cli.data.class_names import class_names_of
from vifi_cli.data.formats.annotation_files.moments import LabeledMoment, Omission, moment_between, time_in
from vifi_cli.data.formats.annotation_files.structured_file import list_in, load_json, object_in
from vifi_cli.data.formats.folders.video_tree import VideoTree
from vifi_cli.data.formats.listing import Split
from vifi_cli.data.formats.text_file import CsvRow, read_csv
from vifi_cli.data.public_datasets.named_files import file_named, files_named
from vifi_cli.errors import InvalidInput

EpicKind = Literal["verb", "noun", "action"]
Protocol = Literal["cs", "cv1", "cv2"]
EPIC_FILE = re.compile(r"epic_100_(train|validation)\.csv", re.IGNORECASE)
EPIC_COLUMNS = ("video_id", "start_timestamp", "stop_timestamp", "verb_class", "noun_class")
DIVING_FILE = re.compile(r"diving48_v2_(train|test)\.json", re.IGNORECASE)
SMARTHOME_NAME = re.compile(r"([A-Z][A-Za-z.]+)_p(\d+)_r\d+_v\d+_c(\d+)\.\w+")
SMARTHOME_SUBJECTS = frozenset({3, 4, 6, 7, 9, 12, 13, 15, 17, 19, 25})  # of training, cross-subject
SMARTHOME_CAMERAS: dict[Protocol, frozenset[int]] = {
    "cv1": frozenset({1}),
    "cv2": frozenset({1, 3, 4, 6, 7}),
}  # of training, cross-view
SMARTHOME_OTHER_CAMERAS: dict[int, Split] = {5: "val", 2: "test"}
OTHER_CLASS = Omission(
    "video of a class that the protocol leaves out", "videos of classes that the protocol leaves out"
)
OTHER_CAMERA = Omission(
    "video of a camera that the protocol leaves out", "videos of cameras that the protocol leaves out"
)
Moments = Iterator[LabeledMoment | Omission]


def epic_moments(kind: EpicKind) -> Callable[[VideoTree], Moments]:
    """The reader of the verbs, the nouns or the actions of EPIC-KITCHENS-100; the moments of a video are a group.

    Participants are in both splits, videos are not. An action is a verb and a noun.
    """

    def moments(tree: VideoTree) -> Moments:
        files = files_named(tree, EPIC_FILE)
        names = {part: epic_names(tree, part) for part in _parts(kind)} if files else {}
        for path in files:
            split: Split = "train" if "train" in path.name.lower() else "val"
            for row in read_csv(path, EPIC_COLUMNS):
                name = " ".join(_epic_name(row, part, names[part]) for part in _parts(kind))
                start, end = (
                    time_in(row.cells[f"{edge}_timestamp"], row.where) for edge in ("start", "stop")
                )
                video = row.cells["video_id"]
                moment = moment_between(f"{video}.MP4", [name], start, end, video)
                yield replace(moment, split=split) if isinstance(moment, LabeledMoment) else moment

    return moments


def _parts(kind: EpicKind) -> tuple[str, ...]:
    return ("verb", "noun") if kind == "action" else (kind,)


def epic_names(tree: VideoTree, part: str) -> dict[str, str]:
    """The names of the verb or noun classes by their numbers."""
    path = file_named(tree, f"EPIC_100_{part}_classes.csv")
    return {row.cells["id"]: row.cells["key"] for row in read_csv(path, ("id", "key"))}


def _epic_name(row: CsvRow, part: str, names: dict[str, str]) -> str:
    number = row.cells[f"{part}_class"]
    if number not in names:
        raise InvalidInput(f"{row.where}: EPIC_100_{part}_classes.csv has no class {number}")
    return names[number]


def diving_moments(tree: VideoTree) -> Moments:
    """The videos of Diving-48 V2, which are trimmed: the frames that its files name are all of a video's."""
    files = files_named(tree, DIVING_FILE)
    names = diving_classes(tree) if files else ()
    for path in files:
        split: Split = "train" if "train" in path.name.lower() else "test"
        for place, value in enumerate(list_in(load_json(path), str(path))):
            where = f"{path}, entry {place}"
            entry = object_in(value, where)
            label = entry.get("label")
            if not isinstance(label, int) or not 0 <= label < len(names):
                raise InvalidInput(f"{where}: the label {label!r} is not a number from 0 to {len(names) - 1}")
            yield LabeledMoment(f"{entry.get('vid_name')}.mp4", (names[label],), split=split)


def diving_classes(tree: VideoTree) -> tuple[str, ...]:
    """The classes by their numbers: take-off, somersaults, twists and position, as in `Back 15som 05Twis FREE`."""
    path = file_named(tree, "Diving48_vocab.json")
    entries = list_in(load_json(path), str(path))
    return tuple(" ".join(map(str, list_in(entry, f"{path}, a class"))) for entry in entries)


def smarthome_classes(protocol: Protocol) -> tuple[str, ...]:
    """The 31 classes across subjects, and the 19 across views."""
    return class_names_of(f"smarthome-{protocol}")


def smarthome_moments(protocol: Protocol) -> Callable[[VideoTree], Moments]:
    """The reader of a protocol of Toyota Smarthome: cross-subject, or cross-view with one or five training cameras.

    Class, subject and camera are in the names of the videos: `Cook.Cleandishes_p02_r00_v02_c03.mp4`. Only across
    subjects are these groups, since the views of a scene are in several splits.
    """

    def moments(tree: VideoTree) -> Moments:
        class_names = frozenset(smarthome_classes(protocol))
        for name in tree.video_names():
            if not (found := SMARTHOME_NAME.fullmatch(name)):
                continue
            subject, camera = int(found[2]), int(found[3])
            split = _smarthome_split(protocol, subject, camera)
            if found[1] not in class_names:
                yield OTHER_CLASS
            elif split is None:
                yield OTHER_CAMERA
            else:
                group = f"p{subject:02}" if protocol == "cs" else ""
                yield LabeledMoment(name, (found[1],), group=group, split=split)

    return moments


def _smarthome_split(protocol: Protocol, subject: int, camera: int) -> Split | None:
    if protocol == "cs":
        return "train" if subject in SMARTHOME_SUBJECTS else "test"
    return "train" if camera in SMARTHOME_CAMERAS[protocol] else SMARTHOME_OTHER_CAMERAS.get(camera)
