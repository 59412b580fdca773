"""The training videos of a run that cannot be read."""

from collections.abc import Callable, Sequence

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.errors import InvalidInput
from vifi_cli.training.batches.loading import BadClip

# a data set with a larger share of unreadable videos is not the one that the user means to train on
BAD_SHARE = 0.1


class BadVideos:
    """Keeps count of them, and stops the run when they are too many."""

    def __init__(self, videos: Sequence[LabeledVideo], say: Callable[[str], None]) -> None:
        """Begin with none; `say` is told of each when it is met first."""
        self._videos, self._say = videos, say
        self._reasons: dict[int, str] = {}

    def note(self, bad: Sequence[BadClip]) -> None:
        """Take note of videos that a step could not read.

        Raises:
            InvalidInput: they are more than a tenth by now.
        """
        for clip in bad:
            if clip.video not in self._reasons:
                self._reasons[clip.video] = clip.reason
                self._say(f"{self._videos[clip.video].path} is left out: {clip.reason}")
        if len(self._reasons) > max(1.0, BAD_SHARE * len(self._videos)):
            raise InvalidInput(
                f"{len(self._reasons)} of {len(self._videos)} training videos cannot be read: `vifi data check` "
                "lists them"
            )

    def listed(self) -> list[tuple[LabeledVideo, str]]:
        """The videos, each with the reason."""
        return [(self._videos[video], reason) for video, reason in sorted(self._reasons.items())]
