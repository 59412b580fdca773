"""ViFi-CLIP's lists, with `relative/path label` on each line, and the label files that name their classes."""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

from vifi_cli.data.formats.listing import ListedVideo, Split
from vifi_cli.data.formats.text_file import numbered_lines, read_text
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

    They are those of ViFi-CLIP's `datasets_splits` for split 1 to 3, and the plain names of splits.
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


def read_label_file(path: Path) -> tuple[str, ...]:
    """The class names of a label file, in the order of their ids.

    The file is a CSV of id and name, as ViFi-CLIP's `labels/*.csv`, or a text file with a name on each line. The CSV
    may lack its header, and names with commas need no quotes.

    Raises:
        InvalidInput: an id is not a number, given twice or missing, or a name is empty or given twice.
    """
    is_csv = path.suffix.lower() == ".csv"
    names = _names_by_id(path) if is_csv else [name for _, name in numbered_lines(path)]
    if not names:
        raise InvalidInput(f"{path} names no class: write a line `id,name` for each")
    first_use: dict[str, int] = {}
    for label, name in enumerate(names):
        if (first := first_use.setdefault(name, label)) != label:
            raise InvalidInput(f"{path}: classes {first} and {label} are both called {name!r}")
    return tuple(names)


def _names_by_id(path: Path) -> list[str]:
    by_id: dict[int, str] = {}
    reader = csv.reader(io.StringIO(read_text(path)), skipinitialspace=True)
    for row in reader:
        if not any(cell.strip() for cell in row):
            continue
        label, name = row[0].strip(), ",".join(row[1:]).strip()
        if reader.line_num == 1 and label.lower() == "id":
            continue
        if not label.isdecimal() or not name:
            raise InvalidInput(f"{path}, line {reader.line_num}: {','.join(row)!r} is not `id,name`")
        if int(label) in by_id:
            raise InvalidInput(f"{path}, line {reader.line_num}: id {label} is given twice")
        by_id[int(label)] = name
    left_out = next((label for label in range(len(by_id)) if label not in by_id), None)
    if left_out is not None:
        raise InvalidInput(f"{path} has {len(by_id)} classes but none with id {left_out}: number them from 0")
    return [by_id[label] for label in range(len(by_id))]
