"""ViFi-CLIP's lists, with `relative/path label` on each line, and the names by which they are found."""

import re
from collections.abc import Sequence
from pathlib import Path

from vifi_cli.data.formats.listing import ListedVideo, Split
from vifi_cli.data.formats.text_file import numbered_lines
from vifi_cli.data.paper_setting import Setting, SettingName
from vifi_cli.errors import InvalidInput


def read_list(path: Path, classes: int, split: Split) -> tuple[ListedVideo, ...]:
    """Reads a list file of one split, with labels below `classes`.

    Raises:
        InvalidInput: a line has no label, or one out of range, or there are no lines.
    """
    videos = []
    for number, line in numbered_lines(path):
        file, _, label = line.replace("\t", " ").rpartition(" ")
        if not file or not label.isdecimal():
            raise InvalidInput(f"{path}, line {number}: {line!r} is not `path label`, the label a number")
        if int(label) >= classes:
            raise InvalidInput(f"{path}, line {number}: label {label} is out of the range 0 to {classes - 1}")
        videos.append(ListedVideo(file.strip(), int(label), split))
    if not videos:
        raise InvalidInput(f"{path} lists no video: add a line for each")
    return tuple(videos)


def list_names(setting: Setting, split: Split, number: int) -> tuple[str, ...]:
    """The names that a list of a setting may have, without suffix, the best first.

    They are those of ViFi-CLIP's `datasets_splits` for split 1 to 3, the plain names of splits, and UCF-101's.
    """
    held_out = (f"val{number}", "val", "validation")
    train, test = ((f"{split}{number}", split, f"{split}list{number:02}") for split in ("train", "test"))
    names: dict[tuple[SettingName, Split], tuple[str, ...]] = {
        ("supervised", "train"): train,
        ("supervised", "val"): held_out,
        ("supervised", "test"): test,
        ("few-shot", "train"): (
            f"train{number}_few_shot_{setting.shots}",
            f"train1_few_shot_{setting.shots}",
        ),
        ("few-shot", "val"): held_out,
        ("base2novel", "train"): (f"fs_base_s{number}_train",),
        ("base2novel", "val"): ("base_val",),
        ("novel", "test"): ("novel_val",),
        ("zero-shot", "test"): (f"ZS_split{number}_K600_eval", *test, *held_out),
    }
    return names.get((setting.name, split), ())


def find_list(
    files: Sequence[Path], root: Path, names: Sequence[str], folder: str | None = None
) -> Path | None:
    """The file under `root` with the first of these names that exists; names lack their suffix.

    ViFi-CLIP's folders may precede a name, as folders or joined by `_`: `ucf_splits/val1.txt` and
    `ucf_splits_val1.txt` are both `val1`. `folder` is the one that must precede it; None for any or none.

    Raises:
        InvalidInput: several files have the same name.
    """
    texts = [path for path in files if path.suffix.lower() == ".txt"]
    before = rf"(.*_)?{re.escape(folder)}_" if folder else r"(.*_splits_|.*/)?"
    for name in names:
        pattern = re.compile(before + re.escape(name), re.IGNORECASE)
        fitting = [path for path in texts if pattern.fullmatch(_flat(path, root, folder))]
        if len(fitting) > 1:
            raise InvalidInput(
                f"{fitting[0]} and {fitting[1]} are both {name!r}: name a folder with only one of them"
            )
        if fitting:
            return fitting[0]
    return None


def _flat(path: Path, root: Path, folder: str | None) -> str:
    relative = path.relative_to(root).with_suffix("").as_posix()
    return relative.replace("/", "_") if folder else relative
