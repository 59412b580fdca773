"""Changes the user's file of settings, whose comments and order stay."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vifi_cli.api.players import find_player
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import config_file, make_own_folder, replacing
from vifi_cli.settings.settings import check_key, parsed, read_text, value_from_words

if TYPE_CHECKING:
    from tomlkit import TOMLDocument


def set_setting(key: str, words: Sequence[str]) -> None:
    """Writes a setting to the file, as a user has typed its value: one word, or several for `exclude`.

    Raises:
        InvalidInput: there is no such setting, its value is wrong, or the file is not one of settings.
    """
    value = value_from_words(key, words)
    if key == "model":
        value = _model_name(str(value))
    elif key == "device":
        _check_device(str(value))
    elif key == "player":
        find_player(str(value))
    elif key == "data_root" and not Path(str(value)).is_dir():
        raise InvalidInput(f"data_root {value} is not a folder: name the folder that holds the datasets")

    def put(document: "TOMLDocument") -> None:
        document[key] = value

    _change(put)


def unset_setting(key: str) -> bool:
    """Removes a setting, or any other key, from the file; returns whether it was there.

    Raises:
        InvalidInput: there is no such setting, nor such a key in the file.
    """
    was_there = False

    def remove(document: "TOMLDocument") -> None:
        nonlocal was_there
        was_there = document.pop(key, None) is not None
        if not was_there:
            check_key(key)

    _change(remove)
    return was_there


def _change(change: Callable[["TOMLDocument"], object]) -> None:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    file = config_file()
    text = read_text(file)
    parsed(file, text)  # its words for what is wrong are clearer
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise InvalidInput(
            f"{file} is not valid TOML: {error}; correct it there, or remove the file"
        ) from error
    change(document)
    changed = tomlkit.dumps(document)
    if changed == text:
        return
    file = Path(os.path.realpath(file))  # a link, as of dotfiles, stays one
    make_own_folder(file.parent)
    with replacing(file) as unfinished:
        unfinished.write_bytes(changed.encode())


def _model_name(name: str) -> str:
    """A name that means the same model in every folder; raises InvalidInput for an unknown model."""
    from vifi_cli.model.registry.source import resolve_model

    return resolve_model(name).name


def _check_device(device: str) -> None:
    if device in ("auto", "cpu"):
        return
    from vifi_cli.model.runtime.device import choose_device

    choose_device(device)
