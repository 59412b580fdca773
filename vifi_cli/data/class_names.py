"""The classes of public sets, and class names as a text encoder reads them."""

import re
import tomllib
from functools import cache, lru_cache
from importlib import resources

_CAMEL_CASE = re.compile(r"(?<=[a-z])\.(?=[A-Z])|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_CLASS_LISTS = resources.files("vifi_cli.data.public_datasets") / "class_lists"


def clean_class_name(name: str) -> str:
    """A class name as words: `ApplyEyeMakeup` gives `Apply Eye Makeup`, `shoot_bow` gives `shoot bow`.

    `Cook.Cut` gives `Cook Cut`. The published ViFi-CLIP code does not change names; TC-CLIP splits CamelCase.
    """
    return " ".join(_CAMEL_CASE.sub(" ", name.replace("_", " ")).split())


@cache
def class_names_of(name: str) -> tuple[str, ...]:
    """The class names of a public set, in the order of ViFi-CLIP's label files."""
    return tuple((_CLASS_LISTS / f"{name}.txt").read_text(encoding="utf-8").splitlines())


def has_class_list(name: str) -> bool:
    """Whether the classes of a public set come with vifi; those of the others are in the annotations of the set."""
    return (_CLASS_LISTS / f"{name}.txt").is_file()


@cache
def class_part(name: str, part: str) -> tuple[int, ...]:
    """The classes of a part of a public set as ids into `class_names_of`, in the order of ViFi-CLIP's lists.

    A part is `base`, `novel`, or for k600 `zero_shot_1` to `zero_shot_3`; it is empty where the set has none. Base is
    the frequent half of the classes, but for hmdb51 the second half of the label file.
    """
    parts = tomllib.loads((_CLASS_LISTS / "parts.toml").read_text(encoding="utf-8"))
    return tuple(parts.get(name, {}).get(part, ()))


@lru_cache(4096)
def class_key(name: str) -> str:
    """The letters and digits of a class name in lower case, equal for all its spellings."""
    return "".join(filter(str.isalnum, name.casefold()))
