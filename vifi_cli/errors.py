"""The errors that users can meet. Each message says what is wrong and what to do next.

Only `cli.app.main` prints errors and exits; everything below it raises one of these.
"""

from collections.abc import Mapping


class VifiError(Exception):
    """An error the user can fix, shown as one line; the text says what is wrong and what to do next."""

    exit_code = 2


class InvalidInput(VifiError):
    """An argument, or the content of a file the user named, is invalid."""


class NothingToIndex(InvalidInput):
    """The folders to index hold no videos yet; `skipped` counts what they hold instead, by reason."""

    exit_code = 1

    def __init__(self, message: str, skipped: Mapping[str, int] | None = None) -> None:
        super().__init__(message)
        self.skipped = skipped or {}


class MissingDependency(VifiError):
    """An optional package is missing; the text names the install command."""


class PlayerFailed(VifiError):
    """A video player could not be started, or ended at once with an error."""


class UnreadableVideo(VifiError):
    """One video cannot be decoded, and the others go on; the text is the reason, without the path."""


class VideoOutOfReach(UnreadableVideo):
    """One video cannot be read now, though its content may be fine: it is gone, or may not be opened."""


class ReadingBrokeOff(VideoOutOfReach):
    """Reading began and broke off: the disk failed, memory ran out, or the decoder was killed, crashed or hung."""


class ModelUnavailable(VifiError):
    """Weights are missing, damaged, or cannot be downloaded."""


class TrainingDiverged(VifiError):
    """The loss became NaN or infinite; the text names the step, its videos and the last good checkpoint."""


class IndexProblem(VifiError):
    """The index cannot be used as asked."""


class IndexMissing(IndexProblem):
    """Nothing has been indexed yet."""


class IndexLocked(IndexProblem):
    """Another process is writing to this index; the text says which."""


class IndexDamaged(IndexProblem):
    """The catalog on disk cannot be read."""


class IndexChanged(IndexProblem):
    """The index changed while it was read, and has to be opened again."""


class EncoderMismatch(IndexProblem):
    """The index was built with another encoder than the one requested."""


def unreadable_index(error: Exception) -> str:
    """The line for an error of SQLite, which any use of an index can raise."""
    return f"the index cannot be read ({error}): run `vifi doctor` to find out why"
