"""The official annotation files of UCF-101, HMDB-51, Kinetics and Something-Something V2, as they are distributed."""

import json
import re
from collections.abc import Collection, Sequence
from pathlib import Path

from vifi_cli.data.class_names import class_key
from vifi_cli.data.formats.listing import ListedVideo, Split
from vifi_cli.data.formats.text_file import numbered_lines, read_text
from vifi_cli.data.public_datasets.kinetics import kinetics_clips
from vifi_cli.data.public_datasets.named_files import first_of_each_name
from vifi_cli.errors import InvalidInput

Listed = tuple[ListedVideo, ...]
_UCF_CLASS = re.compile(r"v_(.+)_g\d+_c\d+", re.IGNORECASE)
_HMDB_SPLITS: dict[str, Split] = {"1": "train", "2": "val"}  # 0: in neither


def read_ucf101(files: Sequence[Path], class_names: Sequence[str], number: int) -> Listed:
    """Reads `trainlist0N.txt` and `testlist0N.txt` of split N; empty without them."""
    lists: dict[str, Split] = {f"trainlist{number:02}.txt": "train", f"testlist{number:02}.txt": "val"}
    labels = _Labels(class_names)
    videos = []
    for name, path in _by_name(files, lists).items():
        for line_number, line in numbered_lines(path):
            file = line.split()[0]
            found = _UCF_CLASS.match(Path(file).name)
            label = labels.of(found[1] if found else file, f"{path}, line {line_number}")
            videos.append(ListedVideo(file, label, lists[name]))
    return tuple(videos)


def read_hmdb51(files: Sequence[Path], class_names: Sequence[str], number: int) -> Listed:
    """Reads `CLASS_test_splitN.txt` of every class, flag 1 to train and 2 to test; empty without any.

    Raises:
        InvalidInput: the files of some classes are missing, or a line is not `file flag`.
    """
    wanted = {
        f"{name.replace(' ', '_')}_test_split{number}.txt": label for label, name in enumerate(class_names)
    }
    found = _by_name(files, wanted)
    if not found:
        return ()
    if missing := next((name for name in wanted if name not in found), None):
        folder = next(iter(found.values())).parent
        raise InvalidInput(f"{folder} has no {missing}: unpack the split files again")
    videos = []
    for name, label in wanted.items():
        for line_number, line in numbered_lines(found[name]):
            file, _, flag = line.rpartition(" ")
            if flag not in {"0", "1", "2"}:
                raise InvalidInput(f"{found[name]}, line {line_number}: {line!r} does not end in 0, 1 or 2")
            if flag in _HMDB_SPLITS:
                videos.append(ListedVideo(file.strip(), label, _HMDB_SPLITS[flag]))
    return tuple(videos)


def read_kinetics(files: Sequence[Path], class_names: Sequence[str], _: int) -> Listed:
    """Reads every CSV with Kinetics' columns; raises InvalidInput for a label that is not a class of the set."""
    labels = _Labels(class_names)
    videos = (
        ListedVideo(clip.file, labels.of(clip.label, clip.where), clip.split)
        for clip in kinetics_clips(files)
    )
    return tuple(dict.fromkeys(videos))


def read_ssv2(files: Sequence[Path], class_names: Sequence[str], _: int) -> Listed:
    """Reads the train and validation JSON files; the class is the template without its brackets."""
    lists: dict[str, Split] = {
        "something-something-v2-train.json": "train",
        "train.json": "train",
        "something-something-v2-validation.json": "val",
        "validation.json": "val",
    }
    labels = _Labels(class_names)
    videos = []
    for name, path in _by_name(files, lists).items():
        for entry in _json_list(path):
            try:
                template, video = str(entry["template"]), str(entry["id"])
            except (KeyError, TypeError) as error:
                raise InvalidInput(f"{path} has an entry without id and template: {entry!r:.80}") from error
            label = labels.of(template, f"{path}, video {video}")
            videos.append(ListedVideo(f"{video}.webm", label, lists[name]))
    return tuple(videos)


def _by_name(files: Sequence[Path], names: Collection[str]) -> dict[str, Path]:
    """The files of these lower-case names, the first of each."""
    return first_of_each_name(path for path in files if path.name.lower() in names)


class _Labels:
    def __init__(self, class_names: Sequence[str]) -> None:
        self._by_key = {class_key(name): label for label, name in enumerate(class_names)}

    def of(self, class_name: str, where: str) -> int:
        if class_key(class_name) not in self._by_key:
            raise InvalidInput(f"{where}: {class_name!r} is not a class of this set")
        return self._by_key[class_key(class_name)]


def _json_list(path: Path) -> list[dict[str, object]]:
    try:
        content = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise InvalidInput(f"{path} is not JSON: {error}") from error
    if not isinstance(content, list):
        raise InvalidInput(f"{path} is not a list of videos")
    return content


# reads a split, by its number, from the official files of a set among some files; empty without them
OFFICIAL_READERS = {
    "ucf101": read_ucf101,
    "hmdb51": read_hmdb51,
    "k400": read_kinetics,
    "k600": read_kinetics,
    "ssv2": read_ssv2,
}
