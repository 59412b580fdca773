"""What may end a run early: the error, with what is kept and the command that goes on from there."""

from vifi_cli.errors import InvalidInput, TrainingDiverged, VideoOutOfReach, VifiError
from vifi_cli.training.run.folder import RunFolder

NOT_LEARNED = (
    "the model was like that before it learned: take other weights, or runtime.precision=fp32 on a GPU"
)


def with_next_step(error: VideoOutOfReach | OSError, folder: RunFolder) -> VifiError:
    """A disk's error that ended a run, with what to do: the same command would refuse a folder that is not empty."""
    if not folder.is_begun():
        return InvalidInput(
            f"{folder.path} was moved or deleted while the run was going: continue with --resume and its new place"
        )
    then = f"then continue with `{folder.resume_command()}`"
    if isinstance(error, VideoOutOfReach):
        return VideoOutOfReach(f"{error}, {then}")
    where = f"{error.filename}: " if error.filename else ""
    return InvalidInput(f"{where}{error.strerror or error}: check free disk space and access rights, {then}")


def with_kept_model(error: TrainingDiverged, folder: RunFolder, *, has_learned: bool) -> TrainingDiverged:
    """A loss that is not finite, with what is saved and what to try."""
    kept = f"the last good one is in {folder.last}" if folder.last.exists() else "nothing is saved"
    advice = "try a lower learning_rate" if has_learned else NOT_LEARNED
    return TrainingDiverged(f"{error}; {kept}; {advice}")


def memory_is_full(folder: RunFolder, micro_batch: int) -> InvalidInput:
    """The error of a GPU whose memory `micro_batch` clips at once have filled."""
    change = f"--recipe runtime.micro_batch={max(1, micro_batch // 2)}"
    resume = f"continue with `{folder.resume_command()} {change}`"
    go_on = resume if folder.state.exists() else f"start a new run in another --output with {change}"
    return InvalidInput(f"the GPU's memory is full: {go_on}")
