"""The datasets that vifi knows by name: where to get them, and where to look for them."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from vifi_cli.errors import InvalidInput
from vifi_cli.paths import given_path
from vifi_cli.settings.settings import load_settings


@dataclass(frozen=True, slots=True)
class PublicSet:
    """A public dataset, where to get it and how to find it on disk."""

    name: str
    title: str
    folder_names: list[str]  # under the data root, in lower case
    page: str
    needs: str  # annotation files to download
    layout: str  # example paths
    classes: int
    list_folder: str = ""  # in ViFi-CLIP's `datasets_splits`, if it has lists of the set
    splits: int = 1
    other_names: list[str] = field(default_factory=list)
    case_matters: bool = False  # in file names, as in the ids of YouTube
    has_val_and_test: bool = False  # else a single held-out list is both


_SETS = resources.files(__package__) / "sets.toml"
PUBLIC_SETS = {
    name: PublicSet(name, **fields)
    for name, fields in tomllib.loads(_SETS.read_text(encoding="utf-8")).items()
}
SET_OF_NAME = {
    name: named.name for named in PUBLIC_SETS.values() for name in (named.name, *named.other_names)
}
"""The public sets by all names that `--data` takes."""


def data_root(root: Path | None, name: str) -> Path:
    """The folder that holds a public set: `root`, else the setting `data_root`, else a folder here with its name.

    Raises:
        InvalidInput: there is no such folder.
    """
    here = next((folder for folder in PUBLIC_SETS[name].folder_names if Path(folder).is_dir()), None)
    given = root or load_settings().data_root or here
    if given is None:
        raise InvalidInput(f"{name} is not on this machine. {how_to_get(PUBLIC_SETS[name], Path('DATA'))}")
    folder = given_path(given)
    if not folder.is_dir():
        raise InvalidInput(
            f"{given} is not a folder: set --data-root or VIFI_DATA_ROOT to the folder with {name}"
        )
    return folder


def how_to_get(named: PublicSet, root: Path) -> str:
    """A sentence: what to download, and where to put it."""
    example = " and ".join(f"{root}/{part}" for part in named.layout.split(" and "))
    return (
        f"Download the videos and {named.needs} from {named.page}, unpack them as in {example}, "
        f"and set --data-root or VIFI_DATA_ROOT to {root}"
    )


def places(named: PublicSet, root: Path) -> Iterator[Path]:
    """Where to look for the set: folders of its name under the root, then the root itself."""
    folders = {path.name.lower(): path for path in sorted(root.iterdir()) if path.is_dir()}
    yield from (folders[name] for name in named.folder_names if name in folders)
    yield root
