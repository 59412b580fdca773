"""The errors that users can meet. Each message says what is wrong and what to do next.

    VifiError                    shown as one line, exit code 2
    ├── InvalidInput             an argument or the content of a file is invalid
    │   └── NothingToIndex       the folders to index hold no videos yet
    ├── MissingDependency        an optional package is not installed
    ├── UnreadableVideo          one video cannot be decoded; the others go on
    ├── ModelUnavailable         the model's weights are missing, damaged, or cannot be downloaded
    ├── TrainingDiverged         the loss became NaN or infinite
    └── IndexProblem             the index cannot be used as asked
        ├── IndexMissing         nothing has been indexed yet
        ├── IndexLocked          another vifi is writing to this index
        ├── IndexDamaged         the catalog on disk is damaged
        └── EncoderMismatch      the index was built with another encoder

Only `cli.app.main` prints errors and exits; everything below it raises one of these.
"""


class VifiError(Exception):
    """An error the user can fix; the text says what is wrong and what to do next."""

    exit_code = 2


class InvalidInput(VifiError):
    """An argument, or the content of a file the user named, is invalid."""


class NothingToIndex(InvalidInput):
    """The folders to index hold no videos yet."""


class MissingDependency(VifiError):
    """An optional package is missing; the text names the install command."""


class UnreadableVideo(VifiError):
    """A video cannot be decoded; the text is the reason, without the path."""


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


class EncoderMismatch(IndexProblem):
    """The index was built with another encoder than the one requested."""
