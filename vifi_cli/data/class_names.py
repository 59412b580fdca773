"""The classes of public sets, and class names as a text encoder reads them."""

import re
import tomllib
from functools import cache, lru_cache
from importlib import resources

_CAMEL_CASE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PARTS_FILE = "parts.toml"


def clean_class_name(name: str) -> str:
    """A class name as words: `ApplyEyeMakeup` gives `Apply Eye Makeup`, `shoot_bow` gives `shoot bow`.

    The published ViFi-CLIP code does not change names; TC-CLIP splits CamelCase.
    """
    return " ".join(_CAMEL_CASE.sub(" ", name.replace("_", " ")).split())


@cache
def class_names_of(name: str) -> tuple[str, ...]:
    """The class names of a public set, in the order of ViFi-CLIP's label files."""
    text = (_class_lists() / f"{name}.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())


@cache
def class_part(name: str, part: str) -> tuple[int, ...]:
    """The classes of a part of a public set as ids into `class_names_of`; empty if the set has no such part.

    A part is `base` or `novel`, and for k600 also `zero_shot_1` to `zero_shot_3`. Ids are in the order in which
    ViFi-CLIP's lists number them. Base is the frequent half of the classes, except for hmdb51, where it is the second
    half of the label file.
    """
    parts = tomllib.loads((_class_lists() / _PARTS_FILE).read_text(encoding="utf-8"))
    return tuple(parts[name].get(part, ()))


@lru_cache(4096)
def class_key(name: str) -> str:
    """The letters and digits of a class name in lower case, equal for all its spellings."""
    return "".join(filter(str.isalnum, name.casefold()))


def _class_lists() -> resources.abc.Traversable:
    return resources.files("vifi_cli.data.public_sets") / "class_lists"
