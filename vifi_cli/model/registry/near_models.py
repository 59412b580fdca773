"""Finds the model that a mistyped path means."""

import difflib
import os
from pathlib import Path

from vifi_cli.model.registry.model_files import OPEN_CLIP_CONFIGURATION, is_model_folder, is_weights_name


def near_model(path: Path) -> Path | None:
    """The model, if there is one, whose path is like an absolute one that does not exist."""
    try:
        near = _near_path(path)
        return None if near is None else next((each for each in _inside(near) if _is_model(each)), None)
    except OSError:  # what cannot be looked at is no suggestion
        return None


def _near_path(path: Path) -> Path | None:
    """The path with each part that does not exist replaced by the nearest name in its folder."""
    found = Path(path.anchor)
    for part in path.relative_to(found).parts:
        if os.path.exists(found / part):  # noqa: PTH110 - Path.exists() raises for names that are too long
            found /= part
            continue
        near = difflib.get_close_matches(part, os.listdir(found), n=1)  # noqa: PTH208 - names are all it takes
        if not near:
            return None
        found /= near[0]
    return found


def _inside(near: Path) -> tuple[Path, ...]:
    """Itself, and the models of a run if it is one."""
    return near, near / "best", near / "last"


def _is_model(path: Path) -> bool:
    if is_weights_name(path) and path.is_file():
        return True
    return is_model_folder(path) or (path / OPEN_CLIP_CONFIGURATION).is_file()
