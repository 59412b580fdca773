"""Settings of every command: from environment variables such as VIFI_MODEL, then from `config.toml`, then defaults."""

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, get_args

from vifi_cli.disk.access_rights import can_others_change
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import config_file

Device = Literal["auto", "cuda", "mps", "cpu"]
Colors = Literal["auto", "always", "never"]
Source = Literal["default", "file", "environment"]
PREFIX = "VIFI_"
EARLIER_NAMES = {"VIFI_DATA_ROOT": "VIFI_DATA"}  # variables that earlier versions read, and that still count
LOWEST_RATE, HIGHEST_RATE = 0.01, 1000.0  # pictures a second
TRUTH_WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_QUOTED_CHARACTERS = 60  # of a refused value, in a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What commands do where their options say nothing else."""

    model: str | None = None  # as `--model` names it; None leaves the choice to the index, then to vifi
    device: Device = "auto"
    exclude: tuple[str, ...] = ()  # globs that every index run skips, in addition to --exclude
    data_root: Path | None = None  # folder of the public sets, or of the videos of a list
    player: str | None = None  # program that plays hits; None for the first that is found
    top: int = 10  # hits of a search; 0 for all
    colors: Colors = "auto"
    frame_rate: float | None = None  # of folders of frames that do not say theirs; None for 25
    frame_folders: bool = False  # whether index runs take folders of numbered pictures for videos


@dataclass(frozen=True, slots=True)
class Setting:
    """The value of one setting, and where it comes from."""

    key: str
    value: Any  # of the type of the field of `Settings`
    source: Source
    place: str = ""  # the file or the variable; empty for a default

    @property
    def variable(self) -> str:
        """The environment variable of this setting."""
        return variable_of(self.key)


@dataclass(frozen=True, slots=True)
class _Kind:
    """How the values of a key are read; both functions raise ValueError with the reason against a value."""

    check: Callable[[object], Any]  # from a value of TOML
    from_words: Callable[[Sequence[str]], object]  # from `vifi config set KEY WORDS` to a value of TOML


def load_settings() -> Settings:
    """The settings that apply now.

    Raises:
        InvalidInput: the file or a variable is wrong; the text names the file and the line, or the variable.
    """
    return Settings(**{setting.key: setting.value for setting in every_setting()})


def every_setting() -> list[Setting]:
    """Each setting with its source; errors are those of `load_settings`."""
    file = config_file()
    in_file = read_values(file)
    found = []
    for field in fields(Settings):
        variable, text = _from_environment(field.name)
        if text:
            value = _variable_value(field.name, variable, text)
            found.append(Setting(field.name, value, "environment", variable))
        elif field.name in in_file:
            found.append(Setting(field.name, in_file[field.name], "file", str(file)))
        else:
            found.append(Setting(field.name, field.default, "default"))
    return found


def setting_of(key: str) -> Setting:
    """One setting; raises InvalidInput for a key that does not exist, and as `load_settings` does."""
    check_key(key)
    return next(setting for setting in every_setting() if setting.key == key)


def own_player() -> str | None:
    """The setting `player`, which starts a program, and therefore never comes from a file that others can change.

    Raises:
        InvalidInput: it does, or as `load_settings` does.
    """
    setting = setting_of("player")
    if setting.source == "file" and can_others_change(file := Path(setting.place)):
        raise InvalidInput(
            f"{file} can be changed by others, and its player would run with your rights: take away their rights "
            f"(`chmod go-w`), or set {setting.variable}"
        )
    return setting.value if setting.value is None else str(setting.value)


def check_key(key: str) -> None:
    """Raises InvalidInput for a key that does not exist."""
    if key not in _KINDS:
        raise InvalidInput(f"there is no setting {key!r}; {_suggestion(key).removesuffix('.')}")


def variable_of(key: str) -> str:
    """The environment variable of a setting, such as VIFI_DATA_ROOT."""
    return f"{PREFIX}{key.upper()}"


def value_from_words(key: str, words: Sequence[str]) -> object:
    """The value for the file that a user has typed, one word or several.

    Raises:
        InvalidInput: there is no such setting, or it does not take this value.
    """
    check_key(key)
    kind = _KINDS[key]
    try:
        value = kind.from_words(words)
        kind.check(value)
    except ValueError as error:
        raise InvalidInput(f"{key} {error}") from error
    return value


def read_values(file: Path) -> dict[str, Any]:
    """The values in a file, checked; none if there is no file. Errors are those of `load_settings`."""
    text = read_text(file)
    values: dict[str, Any] = {}
    for key, value in parsed(file, text).items():
        where = f"{file}{_line_of(key, text)}"
        if key not in _KINDS:
            raise InvalidInput(
                f"{where}: there is no setting {key!r}; {_suggestion(key)} `vifi config unset {key}` removes it"
            )
        try:
            values[key] = _KINDS[key].check(value)
        except ValueError as error:
            raise InvalidInput(f"{where}: {key} {error}") from error
    return values


def read_text(file: Path) -> str:
    """The text of a file of settings; empty if there is none. Raises InvalidInput if it cannot be read."""
    try:
        return file.read_bytes().decode("utf-8-sig")  # editors of Windows put a mark before the text
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is not UTF-8 text: save it as UTF-8, or remove it") from error
    except OSError as error:
        raise InvalidInput(
            f"{file} cannot be read ({error.strerror}): check what it is and its access rights"
        ) from error


def parsed(file: Path, text: str) -> Mapping[str, object]:
    """What a file of settings says, by its text; InvalidInput if that is not TOML."""
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidInput(
            f"{file} is not valid TOML: {error}; correct it there, or remove the file"
        ) from error


def _line_of(key: str, text: str) -> str:
    """`, line 3`, or nothing where the key is not found as it is usually written."""
    pattern = re.compile(rf"""\s*\[*\s*["']?{re.escape(key)}["']?\s*[].=]""")
    number = next((n for n, line in enumerate(text.splitlines(), 1) if pattern.match(line)), None)
    return f", line {number}" if number else ""


def _suggestion(key: str) -> str:
    near = difflib.get_close_matches(key.lower().replace("-", "_"), [*_KINDS, "colours"], n=1)
    meant = "colors" if near == ["colours"] else next(iter(near), None)
    return f"did you mean {meant}?" if meant else f"the settings are {', '.join(_KINDS)}."


def _from_environment(key: str) -> tuple[str, str]:
    """The variable that is set, and its text; an empty one counts as not set."""
    variable = variable_of(key)
    for name in (variable, EARLIER_NAMES.get(variable, variable)):
        if text := os.environ.get(name, ""):
            return name, text
    return variable, ""


def _variable_value(key: str, variable: str, text: str) -> Any:
    kind = _KINDS[key]
    words = [part for part in text.split(os.pathsep) if part] if key == "exclude" else [text]
    try:
        return kind.check(kind.from_words(words))
    except ValueError as error:
        raise InvalidInput(f"{variable} {error}") from error


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


_KINDS: Mapping[str, _Kind] = {
    "model": _Kind(_text, _one_word),
    "device": _Kind(_choice(*get_args(Device)), _one_word),
    "exclude": _Kind(_globs, list),
    "data_root": _Kind(_folder, _absolute),
    "player": _Kind(_text, _one_word),
    "top": _Kind(_count, _whole_number),
    "colors": _Kind(_choice(*get_args(Colors)), _one_word),
    "frame_rate": _Kind(_rate, _number),
    "frame_folders": _Kind(_truth, _truth_word),
}
KEYS = tuple(_KINDS)
