"""Reads ActivityNet, HACS and Charades, whose videos show actions in parts.

Sources: `activity_net.v1-3.min.json`; the READMEs of HACS 1.1.1 (hangzhaomit/HACS-dataset) and of Charades v1.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from vifi_cli.data.formats.annotation_files.moments import LabeledMoment, Omission, moment_between, time_in
from vifi_cli.data.formats.annotation_files.structured_file import list_in, load_json, object_in
from vifi_cli.data.formats.folders.video_tree import VideoTree
from vifi_cli.data.formats.listing import SPLIT_NAMES, Split
from vifi_cli.data.formats.text_file import numbered_lines, read_csv
from vifi_cli.data.public_datasets.named_files import file_named, files_named
from vifi_cli.errors import InvalidInput

ACTIVITYNET_FILE = re.compile(
    r"activity_net\.v1-3(\.min)?\.json|activitynet[_-]?v?1[-_.]3.*\.json", re.IGNORECASE
)
HACS_SEGMENTS_FILE = re.compile(r"hacs_segments.*\.json", re.IGNORECASE)
HACS_CLIPS_FILE = re.compile(r"hacs_clips.*\.csv", re.IGNORECASE)
CHARADES_FILE = re.compile(r"charades_v1_(train|test)\.csv", re.IGNORECASE)
NEGATIVE = Omission("clip without its action", "clips without their actions")
NO_ACTION = Omission("video without an action", "videos without an action")
HACS_COLUMNS = ("youtube_id", "subset")  # the others are empty where there is no label


def activitynet_moments(tree: VideoTree) -> Iterator[LabeledMoment | Omission]:
    """The segments of ActivityNet 1.3; the labels of its test split are not public."""
    yield from _segments(tree, ACTIVITYNET_FILE)


def hacs_segment_moments(tree: VideoTree) -> Iterator[LabeledMoment | Omission]:
    """The segments of HACS, in the form of ActivityNet."""
    yield from _segments(tree, HACS_SEGMENTS_FILE)


def _segments(tree: VideoTree, name: re.Pattern[str]) -> Iterator[LabeledMoment | Omission]:
    for path in files_named(tree, name):
        content = object_in(load_json(path), str(path))
        for identifier, value in object_in(content.get("database"), f"{path}, database").items():
            where = f"{path}, {identifier}"
            video = object_in(value, where)
            for each in list_in(video.get("annotations") or [], f"{where}, annotations"):
                annotation = object_in(each, f"{where}, an annotation")
                times = list_in(annotation.get("segment"), f"{where}, segment")
                if len(times) != 2:
                    raise InvalidInput(f"{where}: a segment has {len(times)} times")
                start, end = (time_in(time, where) for time in times)
                moment = moment_between(
                    f"v_{identifier}.mp4", [str(annotation.get("label") or "")], start, end
                )
                yield _in_split(moment, str(video.get("subset")), identifier, where)


def hacs_clip_moments(tree: VideoTree) -> Iterator[LabeledMoment | Omission]:
    """The clips of two seconds that show their action, label 1; those with label -1 show that it is absent."""
    for path in files_named(tree, HACS_CLIPS_FILE):
        for row in read_csv(path, HACS_COLUMNS):
            cells = row.cells
            if cells["subset"] == "testing" or not cells.get("classname"):
                continue
            if cells.get("label") != "1":
                yield NEGATIVE
                continue
            start, end = (time_in(cells.get(column, ""), row.where) for column in ("start", "end"))
            identifier = cells["youtube_id"]
            moment = moment_between(f"v_{identifier}.mp4", [cells["classname"]], start, end)
            yield _in_split(moment, cells["subset"], identifier, row.where)


def _in_split(
    moment: LabeledMoment | Omission, subset: str, group: str, where: str
) -> LabeledMoment | Omission:
    if isinstance(moment, Omission):
        return moment
    if subset not in SPLIT_NAMES:
        raise InvalidInput(f"{where}: the subset {subset!r} is not training, validation or testing")
    return replace(moment, group=group, split=SPLIT_NAMES[subset])


def charades_moments(tree: VideoTree) -> Iterator[LabeledMoment | Omission]:
    """The videos of Charades with all their actions, as its classification by mAP counts them; a subject is a group.

    The paper keeps subjects apart: nobody is in both splits.
    """
    files = files_named(tree, CHARADES_FILE)
    names = dict(charades_classes(tree)) if files else {}
    for path in files:
        split: Split = "train" if "train" in path.name.lower() else "test"
        for row in read_csv(path, ("id",)):
            codes = [action.split(" ")[0] for action in row.cells.get("actions", "").split(";") if action]
            if unknown := next((code for code in codes if code not in names), None):
                raise InvalidInput(f"{row.where}: {unknown!r} is not in Charades_v1_classes.txt")
            if codes:
                actions = tuple(names[code] for code in codes)
                yield LabeledMoment(
                    f"{row.cells['id']}.mp4", actions, group=row.cells.get("subject", ""), split=split
                )
            else:
                yield NO_ACTION


def charades_classes(tree: VideoTree) -> Iterator[tuple[str, str]]:
    """The codes and names of the 157 actions: `c000 Holding some clothes`."""
    path = file_named(tree, "Charades_v1_classes.txt")
    for number, line in numbered_lines(path):
        code, _, name = line.partition(" ")
        if not re.fullmatch(r"c\d{3}", code) or not name:
            raise InvalidInput(f"{path}, line {number}: {line!r} is not a code such as c000 and a name")
        yield code, name.strip()
