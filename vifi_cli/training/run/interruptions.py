"""What a disk does to a run that can continue: the error, with the command that continues the run."""

from vifi_cli.errors import InvalidInput, VideoOutOfReach, VifiError
from vifi_cli.training.run.folder import RunFolder


def with_next_step(error: VideoOutOfReach | OSError, folder: RunFolder) -> VifiError:
    """An error that ended a run, with what to do: the same command would refuse a folder that is not empty."""
    then = f"then continue with `{folder.resume_command()}`"
    if isinstance(error, VideoOutOfReach):
        return VideoOutOfReach(f"{error}, {then}")
    where = f"{error.filename}: " if error.filename else ""
    return InvalidInput(f"{where}{error.strerror or error}: check free disk space and access rights, {then}")
