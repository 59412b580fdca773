"""Webdataset shards as labeled videos: tar files of samples, such as `000123.mp4` with `000123.json` or `000123.cls`.

The videos stay where they are in the shards (see `vifi_cli.video.files.virtual.tar_shards`).
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path, PurePosixPath

from vifi_cli.data.formats.folders.layout import split_of_folder
from vifi_cli.data.formats.label_file import LabelFile
from vifi_cli.data.formats.listing import Listing, Split
from vifi_cli.data.formats.tables.columns import SYNONYMS, columns_of
from vifi_cli.data.formats.tables.reading import listing_of
from vifi_cli.data.formats.tables.rows import json_row
from vifi_cli.data.formats.text_file import CsvRow
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import given_path
from vifi_cli.video.files.recognition import VIDEO_SUFFIXES
from vifi_cli.video.files.virtual.tar_shards import SHARD_SUFFIX, TarShard, holds_videos, key_of, read_shard
from vifi_cli.wording import counted, first_of

LABELS = ("json", "cls", "txt")
"""What may hold the label of a sample, the best first: an object with a label, a number or a name, a text."""
MOST_LABEL_BYTES = 2**20
MOST_SHARDS = 100_000
MOST_NAMED = 3
CAPTIONS_SHARE = 0.5  # of the texts of samples occur once: these are captions, not classes
_READ = SYNONYMS["label"] | SYNONYMS["split"] | SYNONYMS["group"]
_COMPRESSED = re.compile(r"\.(tar\.(gz|bz2|xz|zst|lz4)|tgz|tbz2|txz)$", re.IGNORECASE)
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_NUMBERED = re.compile(r"[\W\d_]*\d[\W\d_]*$")  # the number of a shard at the end of its name


def find_shards(text: str) -> tuple[Path, ...]:
    """The shards that `--data` names: a tar file, a pattern such as `train-{000..099}.tar`, or a folder of them.

    Empty if the text names anything else.

    Raises:
        InvalidInput: shards of the pattern are missing, a range in it is not one, or the tar file is compressed.
    """
    path = given_path(text)
    if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir() raises for a name that is too long
        return _shards_in(path)
    if _COMPRESSED.search(path.name):
        raise InvalidInput(
            f"{text} is compressed, and cannot be read at any place: uncompress it to .tar first"
        )
    if path.suffix.lower() != SHARD_SUFFIX:
        return ()
    if os.path.isfile(path):  # noqa: PTH113 - as above
        return (path,)
    shards = [given_path(name) for name in _expanded(text)] if "{" in text else []
    if missing := [str(shard) for shard in shards if not os.path.isfile(shard)]:  # noqa: PTH113 - as above
        raise InvalidInput(
            f"{text}: {len(missing):,} of {counted(len(shards), 'shard')} are not there, such as {missing[0]}"
        )
    return tuple(shards)


def read_shards(name: str, shards: Sequence[Path], labels: LabelFile | None = None) -> Listing:
    """Reads the videos of shards and their labels; `name` is how the user named them.

    Splits are those of the names of shards or their folders, such as `val-000000.tar` or `val/000000.tar`; else all
    videos are in `train`.

    Raises:
        InvalidInput: a shard cannot be read, or there are no videos, no labels, or captions in place of labels.
    """
    samples, remarks = [], []
    for path in shards:
        try:
            shard = read_shard(path)
            samples += _samples_in(shard)
        except OSError as error:
            raise InvalidInput(f"{path}: {error.strerror or 'cannot be read'}") from error
        if shard.damage:
            remarks.append(f"{path} is read only in part: {shard.damage}")
    if not samples:
        raise InvalidInput(f"{name} holds no videos: its samples should be such as 000123.mp4 and 000123.cls")
    kind, labeled = _labeled(name, samples)
    if left_out := len(samples) - len(labeled):
        remarks.append(f"left out {counted(left_out, 'sample')} without .{kind}")
    rows = [row for sample in labeled for row in _rows_of(sample, kind)]
    if kind == "txt":
        _check_classes(name, [row.cells["label"] for row in rows])
    return listing_of(rows, name, labels, remarks)


@dataclass(slots=True)
class _Sample:
    """The files of one key in a shard."""

    shard: Path
    key: str
    split: Split
    videos: list[str] = field(default_factory=list)
    labels: dict[str, bytes] = field(default_factory=dict)  # by kind
    content: dict[str, object] = field(default_factory=dict)  # of its JSON: label, split and group


def _shards_in(folder: Path) -> tuple[Path, ...]:
    """The shards in a folder, and in folders of splits in it."""
    found = [*folder.glob(f"*{SHARD_SUFFIX}"), *folder.glob(f"*/*{SHARD_SUFFIX}")]
    return tuple(path for path in sorted(found) if _is_usable(path, folder))


def _is_usable(path: Path, folder: Path) -> bool:
    if path.parent != folder and split_of_folder(path.parent.name) is None:
        return False
    try:
        return path.is_file() and holds_videos(path, VIDEO_SUFFIXES)
    except OSError:
        return False


def _expanded(text: str) -> list[str]:
    """The names of a pattern with ranges, which keep their zeros: `{08..10}` is 08, 09, 10."""
    parts = _RANGE.split(text)
    fixed, ranges = parts[::3], list(zip(parts[1::3], parts[2::3], strict=True))
    if not ranges or any("{" in part or "}" in part for part in fixed):
        raise InvalidInput(f"{text}: write a range of shards as in train-{{000..099}}.tar")
    numbers = 1
    for first, last in ranges:
        numbers *= int(last) - int(first) + 1
        if int(last) < int(first) or numbers > MOST_SHARDS:
            raise InvalidInput(f"{text}: {{{first}..{last}}} is not a range of shards")
    choices = [
        [f"{number:0{len(first)}}" for number in range(int(first), int(last) + 1)] for first, last in ranges
    ]
    return ["".join(_alternating(fixed, chosen)) for chosen in product(*choices)]


def _alternating(fixed: Sequence[str], chosen: Sequence[str]) -> Iterator[str]:
    for part, number in zip(fixed, (*chosen, ""), strict=True):
        yield part
        yield number


def _samples_in(shard: TarShard) -> list[_Sample]:
    """The samples with videos; what the shard was cut off in is left out."""
    samples: dict[str, _Sample] = {}
    split = (
        split_of_folder(_NUMBERED.sub("", shard.path.stem))
        or split_of_folder(shard.path.parent.name)
        or "train"
    )
    with shard.path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        for name, member in shard.members.items():
            inside = PurePosixPath(name)
            if any(part.startswith(".") for part in inside.parts) or member.start + member.size_bytes > size:
                continue
            sample = samples.setdefault(key_of(name), _Sample(shard.path, key_of(name), split))
            kind = inside.suffix.lower().removeprefix(".")
            if inside.suffix.lower() in VIDEO_SUFFIXES:
                sample.videos.append(name)
            elif kind in LABELS and member.size_bytes <= MOST_LABEL_BYTES:
                file.seek(member.start)
                sample.labels.setdefault(kind, file.read(member.size_bytes))
    return [sample for sample in samples.values() if sample.videos]


def _labeled(name: str, samples: Sequence[_Sample]) -> tuple[str, list[_Sample]]:
    """The kind of file that holds the labels, and the samples that have it."""
    for kind in LABELS:
        having = [sample for sample in samples if kind in sample.labels]
        if kind == "json":
            for sample in having:
                sample.content = _object_in(sample)
            having = [sample for sample in having if sample.content]
        if having:
            return kind, having
    raise InvalidInput(
        f"{name} has no labels: beside {samples[0].videos[0]} there should be {samples[0].key}.cls with a class, or "
        f'{samples[0].key}.json such as {{"label": "run"}}'
    )


def _object_in(sample: _Sample) -> dict[str, object]:
    """The label, split and group in the JSON of a sample; empty if it has no label.

    Times and addresses there are those of the film that the sample was cut from.
    """
    where = f"{sample.shard / sample.key}.json"
    try:
        content = json.loads(sample.labels["json"])
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{where} is not JSON: {getattr(error, 'msg', 'it is damaged')}") from error
    if not isinstance(content, dict):
        return {}
    known = [name for name in content if name.lower() in _READ and content[name] is not None]
    if not any(name.lower() in SYNONYMS["label"] for name in known):
        return {}
    columns = columns_of(["path", *known], where, unit="key")
    return {columns[name]: content[name] for name in known if name in columns}


def _rows_of(sample: _Sample, kind: str) -> Iterator[CsvRow]:
    """A row of a table for each video of a sample; several videos belong together."""
    where = f"{sample.shard / sample.key}.{kind}"
    group = f"{sample.shard.stem}/{sample.key}" if len(sample.videos) > 1 else ""
    for video in sample.videos:
        usual = {"path": str(sample.shard / video), "split": sample.split, "group": group}
        if kind == "json":
            yield json_row({**usual, **sample.content}, where)
            continue
        label = sample.labels[kind].decode("utf-8-sig", errors="replace").strip()
        if not label or "\n" in label:
            raise InvalidInput(f"{where} does not hold one class, but {label[:40]!r}")
        yield CsvRow(usual | {"label": label}, where)


def _check_classes(name: str, texts: Sequence[str]) -> None:
    """Refuses captions, which are different for nearly every video."""
    once = [text for text, count in Counter(texts).items() if count == 1]
    if len(texts) > MOST_NAMED and len(once) > CAPTIONS_SHARE * len(texts):
        raise InvalidInput(
            f"{name}: the texts of its samples are not classes, as most occur once, such as "
            f"{first_of([repr(text[:40]) for text in sorted(once)], 1)}: write a class into KEY.cls or KEY.json"
        )
