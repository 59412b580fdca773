"""The values that each setting takes, and how they are read."""

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, get_args

Device = Literal["auto", "cuda", "mps", "cpu"]
Colors = Literal["auto", "always", "never"]
LOWEST_RATE, HIGHEST_RATE = 0.01, 1000.0  # pictures a second
TRUTH_WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_VIEWS = re.compile(r"((zero-shot|base2novel|few-shot|supervised)=)?[1-9]\d{0,3}x[13]")
_QUOTED_CHARACTERS = 60  # of a refused value, in a message


@dataclass(frozen=True, slots=True)
class Kind:
    """How the values of a key are read; both functions raise ValueError with the reason against a value."""

    check: Callable[[object], Any]  # from a value of TOML
    from_words: Callable[[Sequence[str]], object]  # from `vifi config set KEY WORDS` to a value of TOML


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"should be a text, not {_quoted(value)}")
    return value


def _choice(*names: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        if isinstance(value, str) and value in names:
            return value
        raise ValueError(f"should be {', '.join(names[:-1])} or {names[-1]}, not {_quoted(value)}")

    return check


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"should be a whole number from 0 (all) on, not {_quoted(value)}")
    return value


def _rate(value: object) -> float:
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and LOWEST_RATE <= value <= HIGHEST_RATE
    ):
        return float(value)
    raise ValueError(f"should be pictures a second, such as 25 or 29.97, not {_quoted(value)}")


def _views(value: object) -> str:
    words = value.split() if isinstance(value, str) else []
    settings = [word.rpartition("=")[0] for word in words]
    if not words or len(set(settings)) < len(words) or not all(map(_VIEWS.fullmatch, words)):
        raise ValueError(f"should be views such as 4x3, or supervised=4x3 few-shot=2x1, not {_quoted(value)}")
    return " ".join(words)


def _gigabytes(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf:
        return float(value)
    raise ValueError(f"should be gigabytes, such as 2 or 0.5, and 0 for none, not {_quoted(value)}")


def _truth(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError(f"should be true or false, not {_quoted(value)}")


def _folder(value: object) -> Path:
    folder = Path(_text(value)).expanduser()
    if not folder.is_absolute():
        raise ValueError(f"should be a folder from / or ~ on, not {_quoted(value)}")
    return folder


def _globs(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
        raise ValueError(f'should be a list of globs, such as ["proxies", "*.bak.mp4"], not {_quoted(value)}')
    return tuple(str(Path(one).expanduser()) if one.startswith("~") else one for one in value)


def _one_word(words: Sequence[str]) -> str:
    if len(words) != 1:
        raise ValueError(f"takes one value, not {len(words)}: put quotation marks around a value with spaces")
    return words[0]


def _whole_number(words: Sequence[str]) -> object:
    word = _one_word(words)
    return int(word) if re.fullmatch(r"-?[0-9]{1,18}", word) else word


def _number(words: Sequence[str]) -> object:
    word = _one_word(words)
    try:
        return float(Fraction(word))
    except (ValueError, ZeroDivisionError, OverflowError):
        return word


def _truth_word(words: Sequence[str]) -> object:
    word = _one_word(words)
    return TRUTH_WORDS.get(word.lower(), word)


def _absolute(words: Sequence[str]) -> str:
    word = _one_word(words)
    return os.path.abspath(os.path.expanduser(word)) if word.strip() else word  # noqa: PTH100, PTH111 - links stay


def _quoted(value: object) -> str:
    """A value as the file has it, for a message."""
    text = repr(value) if isinstance(value, str | list | dict) else str(value)
    text = text.lower() if isinstance(value, bool) else text
    return text if len(text) <= _QUOTED_CHARACTERS else f"{text[:_QUOTED_CHARACTERS]}…"


KINDS: Mapping[str, Kind] = {
    "model": Kind(_text, _one_word),
    "device": Kind(_choice(*get_args(Device)), _one_word),
    "exclude": Kind(_globs, list),
    "data_root": Kind(_folder, _absolute),
    "player": Kind(_text, _one_word),
    "top": Kind(_count, _whole_number),
    "colors": Kind(_choice(*get_args(Colors)), _one_word),
    "frame_rate": Kind(_rate, _number),
    "frame_folders": Kind(_truth, _truth_word),
    "views": Kind(_views, " ".join),
    "feature_cache_gb": Kind(_gigabytes, _number),
}
KEYS = tuple(KINDS)
