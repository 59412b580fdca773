"""Settings of every command: from environment variables such as VIFI_MODEL, then from `config.toml`, then defaults."""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from vifi_cli.disk.access_rights import can_others_change
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import config_file
from vifi_cli.settings.values import KINDS, Colors, Device

Source = Literal["default", "file", "environment"]
PREFIX = "VIFI_"
EARLIER_NAMES = {"VIFI_DATA_ROOT": "VIFI_DATA"}  # variables that earlier versions read, and that still count


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
    views: str | None = None  # of a test video, such as `4x3`, or by setting: `supervised=4x3 few-shot=2x1`
    feature_cache_gb: float = 2.0  # room on disk for embeddings of frames in tests and training; 0 for none


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
    if key not in KINDS:
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
    kind = KINDS[key]
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
        if key not in KINDS:
            raise InvalidInput(
                f"{where}: there is no setting {key!r}; {_suggestion(key)} `vifi config unset {key}` removes it"
            )
        try:
            values[key] = KINDS[key].check(value)
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
    near = difflib.get_close_matches(key.lower().replace("-", "_"), [*KINDS, "colours"], n=1)
    meant = "colors" if near == ["colours"] else next(iter(near), None)
    return f"did you mean {meant}?" if meant else f"the settings are {', '.join(KINDS)}."


def _from_environment(key: str) -> tuple[str, str]:
    """The variable that is set, and its text; an empty one counts as not set."""
    variable = variable_of(key)
    for name in (variable, EARLIER_NAMES.get(variable, variable)):
        if text := os.environ.get(name, ""):
            return name, text
    return variable, ""


def _variable_value(key: str, variable: str, text: str) -> Any:
    kind = KINDS[key]
    words = [part for part in text.split(os.pathsep) if part] if key == "exclude" else [text]
    try:
        return kind.check(kind.from_words(words))
    except ValueError as error:
        raise InvalidInput(f"{variable} {error}") from error
