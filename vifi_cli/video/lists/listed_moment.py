"""A moment in a list for an editor: counted in frames of its video, and where it comes in the row of all."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from vifi_cli.video.export.probe import VideoFacts
from vifi_cli.video.export.timecode import TIMECODE, TimecodeRate, timecode_rate
from vifi_cli.video.moment import Moment


@dataclass(frozen=True)
class ListedMoment:
    """A moment to be listed; it has an end.

    Attributes:
        moment: the stretch.
        facts: of its video.
        note: what is to be told of it, such as a score; may be empty.
    """

    moment: Moment
    facts: VideoFacts
    note: str = ""

    @cached_property
    def counted(self) -> TimecodeRate:
        """How the video's frames are counted."""
        return timecode_rate(self.facts.frame_rate, self.facts.first_timecode)

    @property
    def name(self) -> str:
        """The video's name, as it can stand in a line of text."""
        return one_line(self.moment.path.name)

    @property
    def video_first_frame(self) -> int:
        """The number that the video's own timecode gives its first frame; 0 where it has none."""
        told = self.facts.first_timecode
        return self.counted.frame(told) if told is not None and TIMECODE.fullmatch(told) else 0

    def frames(self, counted: TimecodeRate) -> tuple[int, int]:
        """The moment's first frame and the one after its last, from the video's first, when counted in a way."""
        return counted.frames_within(self.moment.start_seconds, self.moment.end_seconds)


def usual_count(counted: Sequence[TimecodeRate]) -> TimecodeRate:
    """How most of some moments are counted; of equals, the first one's way."""
    return Counter(counted).most_common(1)[0][0]


def one_line(text: str) -> str:
    """A text as a line of valid UTF-8, whatever a file's name holds."""
    return " ".join(
        "".join(c if c.isprintable() else " " for c in text.encode("utf-8", "replace").decode()).split()
    )
