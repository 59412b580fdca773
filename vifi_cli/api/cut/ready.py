"""Moments whose videos have been looked at: it is known where they begin and end, and what they are like."""

import math
from dataclasses import dataclass

from vifi_cli.video.export.probe import VideoFacts
from vifi_cli.video.moment import Moment


@dataclass(frozen=True, slots=True)
class ReadyMoment:
    """A moment whose video has been looked at.

    Attributes:
        position: its place among the moments wanted.
        wanted: as it was asked for.
        moment: what is cut: with padding, within the video.
        facts: of its video.
    """

    position: int
    wanted: Moment
    moment: Moment
    facts: VideoFacts

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.moment.end_seconds - self.moment.start_seconds


def padded(one: Moment, facts: VideoFacts, pad_seconds: float) -> Moment:
    """The moment, longer at both ends, within its video."""
    known_end = max(facts.duration_seconds, one.end_seconds if one.end_seconds < math.inf else 0.0)
    return Moment(
        one.path, max(one.start_seconds - pad_seconds, 0.0), min(one.end_seconds + pad_seconds, known_end)
    )
