"""The folder for new clips, in which nothing is ever replaced."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vifi_cli import paths
from vifi_cli.api.cut.plan import clip_name
from vifi_cli.errors import InvalidInput
from vifi_cli.video.moment import Moment

MOST_OF_A_NAME = 10_000


class ClipsFolder:
    """Where clips are written, each under a new name."""

    def __init__(self, folder: Path) -> None:
        """The folder is made with the first clip."""
        self.folder = folder

    @contextmanager
    def new_clip(self, moment: Moment) -> Iterator[tuple[Path, Path]]:
        """The path of a new clip of a moment, and a temporary path, whose file appears there at the end."""
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self._reserved(clip_name(moment))
        try:
            with paths.replacing(target) as temporary:
                yield target, temporary
        except BaseException:
            if not target.stat().st_size:
                target.unlink()
            raise

    def _reserved(self, name: str) -> Path:
        """A path that did not exist; an empty file keeps it for this clip."""
        wanted = self.folder / name
        for number in range(1, MOST_OF_A_NAME):
            target = wanted if number == 1 else wanted.with_stem(f"{wanted.stem}-{number}")
            try:
                target.touch(exist_ok=False)
            except FileExistsError:
                continue
            return target
        raise InvalidInput(f"{self.folder} holds {MOST_OF_A_NAME:,} clips of this name: move them elsewhere")
