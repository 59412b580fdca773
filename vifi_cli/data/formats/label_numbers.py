"""Whether the numbers by which lists and tables name classes count from 0 or from 1."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from vifi_cli.data.formats.label_file import LabelFile, same_words
from vifi_cli.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class NumberedFile:
    """A listed file, the number of its class, and the place for messages."""

    file: str
    number: int
    where: str


def folder_of(file: str) -> str:
    """The name of the folder of a listed file; empty without one."""
    return PurePosixPath(file.replace("\\", "/")).parent.name


def first_label(files: Sequence[NumberedFile], labels: LabelFile) -> int:
    """Whether numbers count from 0 or from 1: as their range allows, and as the folders of the files say.

    Raises:
        InvalidInput: a number is out of range, the folders contradict all of them, or nothing decides.
    """
    usual, classes = labels.first_id or 0, len(labels.names)
    numbers = {listed.number for listed in files}
    may_be = (usual,) if labels.first_id == 0 else (usual, 1 - usual)
    possible = [first for first in may_be if min(numbers) >= first and max(numbers) < first + classes]
    if not possible or (possible == [1] and usual == 0 and len(numbers) < 2):
        last = usual + classes - 1
        out = next(listed for listed in files if not usual <= listed.number <= last)
        raise InvalidInput(f"{out.where}: label {out.number} is out of the range {usual} to {last}")
    agreeing = {first: Counter(_agreements(files, labels, first)) for first in possible}
    fitting = [first for first in possible if agreeing[first][True] >= agreeing[first][False]]
    if not fitting:
        other = next(listed for listed in files if labels.find(folder_of(listed.file)) is not None)
        named = labels.names[other.number - possible[0]]
        raise InvalidInput(
            f"{other.where}: {other.file} has the label of {named!r}: is {labels.source} the label file of this list?"
        )
    if len(fitting) > 1 and labels.first_id == 1 and not any(agreeing[first][True] for first in fitting):
        raise InvalidInput(
            f"{labels.source} numbers its classes from 1, and the labels of the videos may count from 0 or from 1: "
            "number the classes from 0 if the videos are"
        )
    return max(fitting, key=lambda first: (agreeing[first][True], first == usual))


def remarks_on_first_label(first: int, labels: LabelFile) -> list[str]:
    """Says so where numbers do not count from the first id of the label file."""
    if first == (labels.first_id or 0):
        return []
    return [f"the labels of the videos count from {first}: {first} is {labels.names[0]!r}"]


def _agreements(files: Sequence[NumberedFile], labels: LabelFile, first: int) -> Iterator[bool]:
    """For each file whose folder is named like a class, whether its number is that of this class."""
    words = {same_words(name): label for label, name in enumerate(labels.names)}
    for listed in files:
        label = words.get(same_words(folder_of(listed.file)))
        if label is not None:
            yield listed.number - first == label
