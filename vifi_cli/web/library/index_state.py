"""What can be truly said of the index now: how much it holds, and how far a running index run has come."""

from dataclasses import dataclass

from vifi_cli.index.catalog.lock import Writer, running_writer
from vifi_cli.index.search.video_index import VideoIndex
from vifi_cli.web import wording


@dataclass(frozen=True, slots=True)
class IndexState:
    """What an index holds, and who writes to it.

    Attributes:
        model: the encoder it was made with.
        videos: how many can be searched.
        video_seconds: their length together.
        failures: how many files could not be read.
        writer: the process that is writing to it.
    """

    model: str
    videos: int
    video_seconds: float
    failures: int
    writer: Writer | None


def state_of(index: VideoIndex) -> IndexState:
    """Counts what an index holds, and looks whether a run is going on."""
    catalog = index.catalog
    videos, seconds = catalog.db.execute("SELECT count(*), total(duration_seconds) FROM videos").fetchone()
    (failures,) = catalog.db.execute("SELECT count(*) FROM failures").fetchone()
    writer = running_writer(catalog.path.parent)
    return IndexState(catalog.indexed_with.model, videos, seconds, failures, writer)


def state_text(state: IndexState) -> str:
    """One line on what an index holds: `3,512 videos · 45 hours · clip-vit-b-16`."""
    parts = [wording.counted(state.videos, "video"), wording.length(state.video_seconds), state.model]
    if state.failures:
        parts.append(f"{wording.counted(state.failures, 'file')} could not be read")
    return " · ".join(parts)


def progress_text(writer: Writer | None) -> str:
    """One line on a run that is going on, empty if there is none."""
    if writer is None:
        return ""
    if not writer.files:
        return "Looking for new videos"
    return f"Indexing: {writer.files_done:,} of {writer.files:,} files done"
