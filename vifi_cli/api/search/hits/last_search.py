"""The hits of the last search in this data folder, kept so that they can be opened by their numbers."""

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from platformdirs import user_state_path

from vifi_cli.disk import access_rights
from vifi_cli.disk.replacement import replacement
from vifi_cli.errors import InvalidInput, VifiError
from vifi_cli.index.catalog.catalog import CATALOG_FILE
from vifi_cli.index.catalog.reader import CatalogReader
from vifi_cli.index.catalog.records import is_as_indexed
from vifi_cli.index.search.video_index import SearchHit
from vifi_cli.paths import data_folder, searched_index_folder
from vifi_cli.video.files.content import video_status
from vifi_cli.video.moment import Moment
from vifi_cli.wording import clock, counted

FILE_NAME = "last-search.json"
DIGEST_CHARACTERS = 16  # of the path of a data folder
OWNER_ONLY = 0o600
"""What somebody looked for is theirs, also in a data folder that others may read."""


@dataclass(frozen=True, slots=True)
class KeptHit:
    """A hit, and its file as it was at the time of the search."""

    path: str
    start_seconds: float
    end_seconds: float
    size_bytes: int | None  # None if the file was neither there nor in the index
    modified_ns: int | None

    @classmethod
    def of(cls, hit: SearchHit | Moment) -> "KeptHit":
        """Looks at the file of a hit; one that is not there is known as the index has seen it."""
        state = _state_of(hit.path)
        if None in state:
            state = _indexed_state_of(hit.path)
        return cls(str(hit.path), hit.start_seconds, hit.end_seconds, *state)


@dataclass(frozen=True, slots=True)
class LastSearch:
    """A search that was made, and its hits."""

    query: str
    hits: tuple[KeptHit, ...]  # in the order in which they were shown

    @classmethod
    def of(cls, query: str, hits: Sequence[SearchHit | Moment]) -> "LastSearch":
        """Looks at the files of hits."""
        return cls(query, tuple(map(KeptHit.of, hits)))

    def hit(self, number: int) -> KeptHit:
        """The hit with a number, counted from 1; raises InvalidInput if there is none."""
        if not self.hits:
            raise InvalidInput(
                f"the last search ({self.query}) found nothing: search for something else first"
            )
        if not 1 <= number <= len(self.hits):
            has = counted(len(self.hits), "hit")
            raise InvalidInput(f"there is no hit {number:,}: the last search ({self.query}) has {has}")
        return self.hits[number - 1]

    def keep(self) -> None:
        """Keeps this search in place of the one before.

        Raises:
            OSError: it cannot be written. The one before is removed, if that is possible.
        """
        file = _file()
        try:
            access_rights.make_folder(file.parent)
            with replacement(file, OWNER_ONLY, is_lasting=False) as unfinished:
                unfinished.write_text(json.dumps(asdict(self)))
                access_rights.give_to_owner(unfinished)
        except OSError:
            with suppress(FileNotFoundError):
                file.unlink()
            raise


@dataclass(frozen=True, slots=True)
class FoundAgain:
    """Where the video of a hit is now."""

    path: Path
    remarks: tuple[str, ...] = ()  # what has changed since the search, for the user


def last_search() -> LastSearch:
    """The search that was kept last; raises InvalidInput if there is none to be read."""
    file = _file()
    try:
        if access_rights.can_others_change(file):
            raise PermissionError
        content = json.loads(file.read_text())
        return LastSearch(str(content["query"]), tuple(map(_hit_of, content["hits"])))
    except FileNotFoundError:
        raise InvalidInput("nothing has been searched for yet: run `vifi search QUERY` first") from None
    except PermissionError:
        raise InvalidInput(
            "the last search was made by another user: run `vifi search QUERY` first"
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise InvalidInput("the last search cannot be read: run `vifi search QUERY` again") from None


def find_again(hit: KeptHit) -> FoundAgain:
    """Where a hit is now: a video that has moved since is followed if it has been indexed at its new place."""
    path, known = Path(hit.path), (hit.size_bytes, hit.modified_ns)
    state = _state_of(path)
    if state == known or None in known:
        return FoundAgain(path)
    if None not in state:
        return FoundAgain(
            path,
            (
                f"{path.name} has changed since the search, so {clock(hit.start_seconds)} may show something else: "
                "run `vifi index`, then search again",
            ),
        )
    moved = _places_of(*known)
    if len(moved) != 1:
        return FoundAgain(path)
    return FoundAgain(moved[0], (f"{path.name} has moved to {moved[0]}",))


def _file() -> Path:
    """In the data folder, or in a folder of the user's own for a data folder of somebody else."""
    home = data_folder()
    if access_rights.is_of_user(home):
        return home / FILE_NAME
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()
    return user_state_path("vifi", appauthor=False) / digest[:DIGEST_CHARACTERS] / FILE_NAME


def _hit_of(content: dict[str, Any]) -> KeptHit:
    start, end = float(content["start_seconds"]), float(content["end_seconds"])
    return KeptHit(str(content["path"]), start, end, content["size_bytes"], content["modified_ns"])


def _state_of(path: Path) -> tuple[int | None, int | None]:
    """The size and the time of change of a file; None for both if it is not there."""
    try:
        status = video_status(path)
    except OSError:
        return None, None
    return status.st_size, status.st_mtime_ns


def _indexed_state_of(path: Path) -> tuple[int | None, int | None]:
    """The size and the time of change of a file when it was indexed; None for both if it is not in the index."""
    with suppress(VifiError, OSError), CatalogReader(searched_index_folder() / CATALOG_FILE) as catalog:
        if video := catalog.video_at(path):
            return video.size_bytes, video.modified_ns
    return None, None


def _places_of(size_bytes: int | None, modified_ns: int | None) -> list[Path]:
    """Where the index has a file of this size and time."""
    if size_bytes is None:
        return []
    with suppress(VifiError, OSError), CatalogReader(searched_index_folder() / CATALOG_FILE) as catalog:
        alike = (one for one in catalog.videos_of_size(size_bytes) if one.modified_ns == modified_ns)
        return [one.path for one in alike if is_as_indexed(one)]
    return []
