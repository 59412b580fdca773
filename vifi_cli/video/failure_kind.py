"""What it means for the next attempt that a video could not be read."""

from enum import StrEnum

from vifi_cli.errors import ReadingBrokeOff, VideoOutOfReach


class FailureKind(StrEnum):
    """Why a video could not be read; the catalog stores the value."""

    UNREADABLE = "unreadable"  # its content, until that changes
    OUT_OF_REACH = "out of reach"  # the file cannot be opened now; trying again costs nothing
    BROKEN_OFF = "broken off"  # the disk or the decoder failed in the middle; trying again may cost minutes

    @property
    def may_pass(self) -> bool:
        """Whether the content may be fine, so that what is known about the video stays, and is read again."""
        return self is not FailureKind.UNREADABLE


def failure_kind(error: Exception) -> FailureKind:
    """The kind of a failure, by its error: an UnreadableVideo or an OSError."""
    if isinstance(error, ReadingBrokeOff):
        return FailureKind.BROKEN_OFF
    return (
        FailureKind.OUT_OF_REACH if isinstance(error, VideoOutOfReach | OSError) else FailureKind.UNREADABLE
    )
