"""Where vifi keeps its files, how it reads the paths that users give, and with which rights it writes."""

import errno
import os
import re
import unicodedata
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_config_path, user_data_path

from vifi_cli.disk import access_rights
from vifi_cli.disk.replacement import replacement
from vifi_cli.errors import InvalidInput

NAMES_NOTHING = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)
"""The errors of a path that names no file; with any other error, a file may be there."""

LEADS_NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
"""The errors of a file that is just gone, and of a link that leads nowhere."""

INDEX_FOLDERS = ("index", "index.rebuild", "index.replaced")
"""An index, the one that a rebuild makes, and the one that it has replaced."""

OWN_NAMES = (
    *(*INDEX_FOLDERS, "index.lock", "index.lock-holder.json", "index-concepts.sqlite3"),
    *("cache", "demo", "shell-history", "last-search.json", "config.toml", access_rights.NOTE_FILE),
)
"""What vifi keeps in the data folder."""

RUNS = Path("runs")
"""The folder of training runs, in the one where a command is given."""

REPORTS = Path("reports")
"""The folder of evaluation reports there."""


def data_folder() -> Path:
    """The folder of everything vifi keeps: `$VIFI_HOME`, or the platform's data folder."""
    home = os.environ.get("VIFI_HOME")
    return Path(home).expanduser().absolute() if home else user_data_path("vifi", appauthor=False)


def index_folder() -> Path:
    """The folder of the catalog (the truth) and of the vector files (its cache)."""
    return data_folder() / "index"


def demo_folder() -> Path:
    """The folder of the clips that `vifi demo` makes, and of their index."""
    return data_folder() / "demo"


def searched_index_folder() -> Path:
    """The folder of the index that is read: your own, or that of `vifi demo` as long as you have none."""
    demo = demo_folder() / "index"
    has_own = any(os.path.lexists(data_folder() / name) for name in INDEX_FOLDERS)
    return demo if not has_own and os.path.lexists(demo) else index_folder()


def cache_folder() -> Path:
    """The folder of what can be rebuilt: compiled encoders, query embeddings."""
    return data_folder() / "cache"


def config_file() -> Path:
    """The file of the user's settings: in `$VIFI_HOME`, or in the platform's folder for configuration.

    In somebody else's `$VIFI_HOME`, whose index the user searches, the user's own settings apply.
    """
    is_own = bool(os.environ.get("VIFI_HOME")) and access_rights.is_of_user(data_folder())
    folder = data_folder() if is_own else user_config_path("vifi", appauthor=False)
    return folder / "config.toml"


def given_path(path: Path | str) -> Path:
    """The absolute form of a path the user gave: `~` and `..` resolved, links kept, names spelled as on disk.

    Unicode has two forms of many letters, and a file system may hold either. Where the given form does not exist, the
    other is taken if that exists.
    """
    absolute = Path(os.path.abspath(os.path.expanduser(path)))  # noqa: PTH100, PTH111 - resolve() would follow links
    return absolute if str(absolute).isascii() or os.path.lexists(absolute) else _spelled_as_on_disk(absolute)


def unicode_form(path: Path | str) -> str:
    """A path in one Unicode form, to be compared: two names that read the same may differ in their bytes."""
    text = str(path)
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def is_given_file(path: Path | str) -> bool:
    """Whether a path, or a text that may be one, leads to a file; False also where it is too long or cannot be seen."""
    return os.path.isfile(given_path(path))  # noqa: PTH113 - Path.is_file() raises there


def is_given_folder(path: Path | str) -> bool:
    """Whether a path, or a text that may be one, leads to a folder; False where `is_given_file` is."""
    return os.path.isdir(given_path(path))  # noqa: PTH112 - Path.is_dir() raises there


def check_visible(path: Path) -> None:
    """Raises InvalidInput if a file system refuses to say what is at a path; an absent file is fine."""
    try:
        path.stat()
    except OSError as error:
        if error.errno not in NAMES_NOTHING:
            reason = error.strerror or "the file system refuses"
            raise InvalidInput(f"{path} cannot be seen ({reason}): check its rights and its disk") from error


def _spelled_as_on_disk(path: Path) -> Path:
    place = Path(path.anchor)
    for name in path.parts[1:]:
        if not name.isascii() and not os.path.lexists(place / name):
            form = unicode_form(name)
            name = min((other for other in _names_in(place) if unicode_form(other) == form), default=name)
        place /= name
    return place


def _names_in(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir()]
    except OSError:
        return []


def root_of(path: Path, roots: Collection[Path]) -> Path | None:
    """The innermost of the roots at or above a path; None outside all."""
    return next((folder for folder in (path, *path.parents) if folder in roots), None)


def slug(name: str) -> str:
    """A name for a folder, from the last part of a path."""
    return re.sub(r"\W+", "-", Path(name).stem or name).strip("-").lower() or "run"


def shown_path(path: Path | str) -> str:
    """A path for people: relative to the working folder if it is in it, else as it is."""
    return str(Path(path).relative_to(Path.cwd())) if Path(path).is_relative_to(Path.cwd()) else str(path)


def write_obstacle(folder: Path) -> str:
    """Why a folder, which may not exist yet, is not writable; empty if it is."""
    nearest = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    if not nearest.is_dir():
        return f"{nearest} is not a folder"
    return "" if os.access(nearest, os.W_OK | os.X_OK) else f"{nearest} is not writable"


@contextmanager
def replacing(target: Path, *, is_own: bool = False) -> Iterator[Path]:
    """Yields a temporary path to write to, then replaces the target with it atomically.

    If writing fails (disk full, interrupted), the target stays as it was. `is_own` marks files that vifi keeps for
    itself: like all files in the data folder, a new one gets the access rights of its folder, not those of the umask.
    """
    is_own = is_own or target.is_relative_to(data_folder())
    with replacement(target, access_rights.file_mode(target.parent) if is_own else None) as temporary:
        yield temporary
        if is_own:
            access_rights.give_to_owner(temporary)


def write_file(path: Path, content: bytes) -> None:
    """Writes a file, in a new folder if need be; replaces an existing file when the new one is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as unfinished:
        unfinished.write_bytes(content)


def make_own_folder(folder: Path, *, like: Path | None = None) -> int:
    """Makes a folder for what vifi keeps, with its parents, if it is absent; returns the rights of new files in it.

    Inside the data folder it gets the rights of the index. Elsewhere it gets those of `like`, or is private.
    """
    home = data_folder()
    if folder.is_relative_to(home):
        mode = prepare_data_folder()
        for part in reversed([folder, *folder.parents]):
            if part != home and part.is_relative_to(home):
                access_rights.make_folder(part, mode)
        return mode & 0o664
    rights = access_rights.folder_mode(like) if like else None
    access_rights.make_folder(folder, access_rights.PRIVATE if rights is None else rights)
    return access_rights.file_mode(folder)


def prepare_data_folder() -> int:
    """Makes the data folder, or takes others' rights to it once; returns the rights of new folders in it."""
    folder = data_folder()
    access_rights.make_folder(folder)
    access_rights.narrow_once(folder, OWN_NAMES)
    mode = access_rights.folder_mode(index_folder())
    if mode is None and access_rights.is_shared_on_purpose(folder):
        mode = access_rights.folder_mode(folder)
    return access_rights.PRIVATE if mode is None else mode
