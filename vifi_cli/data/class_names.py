"""The classes of the data sets that vifi knows by name, and class names made fit for a text encoder."""

import re
import tomllib
from functools import cache, lru_cache
from importlib import resources

_CAMEL_CASE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PARTS_FILE = "parts.toml"


def clean_class_name(name: str) -> str:
    """A class name as words: `_` and CamelCase become spaces; letters keep their case.

    `ApplyEyeMakeup` gives `Apply Eye Makeup`, `shoot_bow` gives `shoot bow`. The published ViFi-CLIP code passes names
    on as they are; TC-CLIP splits CamelCase.
    """
    return " ".join(_CAMEL_CASE.sub(" ", name.replace("_", " ")).split())


@cache
def class_names_of(name: str) -> tuple[str, ...]:
    """The class names of a named set, in the order of their labels in ViFi-CLIP's label files."""
    text = (_class_lists() / f"{name}.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())


@cache
def class_part(name: str, part: str) -> tuple[int, ...]:
    """The classes of a part of a named set as ids into `class_names_of`; empty if the set has no such part.

    Args:
        name: of the set.
        part: `base` or `novel`, and for k600 `zero_shot_1` to `zero_shot_3`.

    Returns:
        Ids in the order of their labels within the part, as ViFi-CLIP's lists number them. Base is the paper's frequent
        half of the classes, except for hmdb51, where it is the second half in the order of the label file.
    """
    parts = tomllib.loads((_class_lists() / _PARTS_FILE).read_text(encoding="utf-8"))
    return tuple(parts[name].get(part, ()))


@lru_cache(4096)
def class_key(name: str) -> str:
    """What is the same for all spellings of a class name: its letters and digits, without case."""
    return "".join(filter(str.isalnum, name.casefold()))


def _class_lists() -> resources.abc.Traversable:
    return resources.files("vifi_cli.data.public_sets") / "class_lists"
