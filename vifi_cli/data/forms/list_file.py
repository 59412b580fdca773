"""ViFi-CLIP's list files: `relative/path label` a line, and which file is which list of which setting."""

import re
from collections.abc import Sequence
from pathlib import Path

from vifi_cli.data.forms.listing import ListedVideo, Split
from vifi_cli.data.forms.text_file import numbered_lines
from vifi_cli.data.setting import Setting, SettingName
from vifi_cli.errors import InvalidInput


def read_list(path: Path, classes: int, split: Split) -> tuple[ListedVideo, ...]:
    """Reads a list file.

    Args:
        path: of the list.
        classes: how many classes its labels may count.
        split: what the list is for.

    Raises:
        InvalidInput: a line has no label, or one out of range, or there is no line.
    """
    videos = []
    for number, line in numbered_lines(path):
        file, _, label = line.replace("\t", " ").rpartition(" ")
        if not file or not label.isdecimal():
            raise InvalidInput(
                f"{path}, line {number}: {line!r} is not `path label` with a number for the class"
            )
        if int(label) >= classes:
            raise InvalidInput(
                f"{path}, line {number}: label {label} is out of range, the classes are 0 to {classes - 1}"
            )
        videos.append(ListedVideo(file.strip(), int(label), split))
    if not videos:
        raise InvalidInput(f"{path} lists no video")
    return tuple(videos)


def list_names(setting: Setting, split: Split, number: int) -> tuple[str, ...]:
    """The names that a list of a setting may have, without suffix, the best first.

    Those are the names of ViFi-CLIP's `datasets_splits`, and the plain names of splits.

    Args:
        setting: what is to be learnt or tested.
        split: the list wanted.
        number: which of the published splits, 1 to 3.
    """
    held_out = (f"val{number}", "val", "validation")
    names: dict[tuple[SettingName, Split], tuple[str, ...]] = {
        ("supervised", "train"): (f"train{number}", "train"),
        ("supervised", "val"): held_out,
        ("supervised", "test"): (f"test{number}", "test"),
        ("few-shot", "train"): (
            f"train{number}_few_shot_{setting.shots}",
            f"train1_few_shot_{setting.shots}",
        ),
        ("few-shot", "val"): held_out,
        ("base2novel", "train"): (f"fs_base_s{number}_train",),
        ("base2novel", "val"): ("base_val",),
        ("novel", "test"): ("novel_val",),
        ("zero-shot", "test"): (f"ZS_split{number}_K600_eval", f"test{number}", "test", *held_out),
    }
    return names.get((setting.name, split), ())


def find_list(
    files: Sequence[Path], root: Path, names: Sequence[str], folder: str | None = None
) -> Path | None:
    """The list file of one of these names, the first name that is there.

    The names may carry ViFi-CLIP's folders before them, as folders or joined by `_`: `ucf_splits/val1.txt` and
    `ucf_splits_val1.txt` are both `val1`.

    Args:
        files: to choose from.
        root: the folder they lie below.
        names: without suffix.
        folder: ViFi-CLIP's folder that must come before the name, such as `ucf_splits`; None for any or none.

    Raises:
        InvalidInput: several files have the same name.
    """
    before = rf"(.*_)?{re.escape(folder)}_" if folder else r"(.*_splits_|.*/)?"
    for name in names:
        pattern = re.compile(before + re.escape(name), re.IGNORECASE)
        fitting = [
            path
            for path in files
            if path.suffix.lower() == ".txt" and pattern.fullmatch(_flat(path, root, folder))
        ]
        if len(fitting) > 1:
            raise InvalidInput(
                f"{fitting[0]} and {fitting[1]} are both {name!r}: name a folder with one of them"
            )
        if fitting:
            return fitting[0]
    return None


def _flat(path: Path, root: Path, folder: str | None) -> str:
    relative = path.relative_to(root).with_suffix("").as_posix()
    return relative.replace("/", "_") if folder else relative
