"""The data that `--data` names."""

import os
import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Self

from vifi_cli.data.public_datasets.datasets import PUBLIC_SETS, SET_OF_NAME
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import given_path
from vifi_cli.settings.settings import load_settings


@dataclass(frozen=True, slots=True)
class DataSource:
    """Where labeled videos come from."""

    name: str  # of a public set, or the path of a folder, a table or a list file
    split: int | None = None  # official split from 1; None stands for the first
    labels: Path | None = None  # label file of tables and lists that number their classes
    root: Path | None = None  # of a public set, else the setting; for other data a second folder for videos
    layer: str | None = None  # what of an annotation file holds the labels, such as a tier of ELAN
    classes: tuple[str, ...] = ()  # the only ones to take, or `present` for those with videos; empty for all

    def __post_init__(self) -> None:
        if self.split is not None and self.split < 1:
            raise InvalidInput(f"{self.name} has no split {self.split}: splits are numbered from 1")
        if self.labels is not None and self.is_public_set:
            raise InvalidInput(f"{self.name} takes no label file: vifi knows its class names")

    @classmethod
    def parse(cls, text: str, root: Path | None = None) -> Self:
        """Reads `ucf101:2`, the path of a folder or file, `LISTS,LABELS` or `ANNOTATIONS:LAYER`.

        The setting is the usual root.

        Raises:
            InvalidInput: what follows the colon is not the number of a split.
        """
        root = root or load_settings().data_root
        if text.partition(":")[0] not in SET_OF_NAME and (layered := _with_layer(text)):
            return cls(layered[0], None, layered[2], root, layered[1])
        name, comma, labels = text.rpartition(",")
        if not comma or _exists(text):
            name, labels = text, ""
        label_file = Path(labels).expanduser() if labels else None
        spelled, colon, number = name.partition(":")
        public_set = SET_OF_NAME.get(spelled, spelled)
        if not colon or public_set not in PUBLIC_SETS:
            return cls(SET_OF_NAME.get(name, name), None, label_file, root)
        if not number.isdecimal() or number == "0":
            raise InvalidInput(f"{text}: write the number of an official split after the colon, such as 2")
        return cls(public_set, int(number), label_file, root)

    @property
    def is_public_set(self) -> bool:
        """Whether vifi knows the data by name."""
        return self.name in PUBLIC_SETS

    @property
    def official_splits(self) -> int:
        """How many official splits it has; 1 for the user's own data."""
        return PUBLIC_SETS[self.name].splits if self.is_public_set else 1

    def absolute(self) -> Self:
        """The same data for a program that runs in another folder."""
        name = self.name if self.is_public_set else str(Path(self.name).expanduser().absolute())
        return replace(self, name=name, labels=self.labels.absolute() if self.labels else None)

    @property
    def command_to_split(self) -> str:
        """The command that splits it so that clips of one person or scene stay together."""
        table = PurePath(self.name).with_suffix("").name
        return (
            f"`vifi data split {shlex.quote(str(self))} --val 0.2 --test 0.2 "
            f"-o {shlex.quote(f'{table}-apart.csv')}`"
        )

    def __str__(self) -> str:
        """The text that `parse` reads, without the root."""
        name = f"{self.name}:{self.split}" if self.split and self.is_public_set else self.name
        if self.layer is not None:
            name = f"{name}:{self.layer}"
        return f"{name},{self.labels}" if self.labels else name


def _with_layer(text: str) -> tuple[str, str, Path | None] | None:
    """Path, layer and label file in `session.eaf:Action` or `session.eaf:Action,labels.csv`.

    It is None if no path ends at a colon. A layer may have commas in its name.
    """
    if _exists(text):
        return None
    colons = (match.start() for match in re.finditer(":", text))
    at = next((place for place in colons if text[place + 1 :] and _exists(text[:place])), None)
    if at is None:
        return None
    layer, _, labels = text[at + 1 :].rpartition(",")
    if layer and _exists(labels):
        return text[:at], layer, Path(labels).expanduser()
    return text[:at], text[at + 1 :], None


def _exists(text: str) -> bool:
    return os.path.exists(given_path(text))  # noqa: PTH110 - Path.exists() raises for a long text
