"""Every error that a user can cause or meet, each with a message that names the next step.

    VifiError                    shown as one line, exit code 2
    ├── InvalidInput             an argument or a file's content makes no sense
    │   └── NothingToIndex       there is no video where the first index is to be made of some
    ├── MissingDependency        an optional package is not installed
    ├── UnreadableVideo          one video cannot be decoded; costs only itself
    ├── ModelUnavailable         the model's weights are not here and cannot be fetched, or are damaged
    ├── TrainingDiverged         the loss is no number any more
    └── IndexProblem             the index cannot be used as asked
        ├── IndexMissing         nothing has been indexed yet
        ├── IndexLocked          another vifi is writing to this index
        ├── IndexDamaged         the catalogue on disk cannot be trusted
        └── EncoderMismatch      the index was made by another encoder

Only `cli.app.main` prints and exits; everything below it raises one of these.
"""


class VifiError(Exception):
    """Something the user can mend; the text says what happened and what to do next."""

    exit_code = 2


class InvalidInput(VifiError):
    """An argument, or the content of a file the user named, makes no sense."""


class NothingToIndex(InvalidInput):
    """There are no videos yet where the first ones are to be indexed."""


class MissingDependency(VifiError):
    """An optional package is needed and not installed; the text names the install command."""


class UnreadableVideo(VifiError):
    """A video that cannot be decoded; the text is the reason, without the path."""


class ModelUnavailable(VifiError):
    """Weights that are not here, cannot be fetched, or are not what they should be."""


class TrainingDiverged(VifiError):
    """The loss is no number any more; the text names the step, its videos and the last good checkpoint."""


class IndexProblem(VifiError):
    """The index cannot be used as asked."""


class IndexMissing(IndexProblem):
    """Nothing has been indexed yet."""


class IndexLocked(IndexProblem):
    """Another process is writing to this index; the text says which."""


class IndexDamaged(IndexProblem):
    """The catalogue on disk cannot be read or trusted."""


class EncoderMismatch(IndexProblem):
    """The index was made by another encoder than the one asked for."""
