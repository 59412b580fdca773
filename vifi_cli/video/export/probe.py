"""Facts about a video from its header and first frame, and the moments to cut from it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import isfinite
from pathlib import Path

from vifi_cli.video.clock.file_clock import FileClock
from vifi_cli.video.container.clock_reading import read_clock
from vifi_cli.video.container.container import unwatched
from vifi_cli.video.export.clip import rate_of
from vifi_cli.video.export.first_timecode import first_timecode
from vifi_cli.video.export.open_moment import open_moment
from vifi_cli.video.export.picture_fitting import canvas_of, shown_size
from vifi_cli.video.export.sound import open_sound
from vifi_cli.video.moment import Moment
from vifi_cli.wording import one_line, score_text

SHORTEST_SECONDS = 1e-3  # a header that declares less says nothing
NEAR_SHARE = 0.02  # files declare a mean, which uneven times shift a little
STANDARD_RATES = (  # those that timecode knows
    *(Fraction(rate * 1000, 1001) for rate in (24, 30, 60)),
    *(Fraction(rate) for rate in (24, 25, 30, 48, 50, 60)),
)


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """Facts about a video; its height and width as shown, upright and in square pixels, even."""

    duration_seconds: float  # of its pictures
    frame_rate: Fraction  # usual number per second
    height: int
    width: int
    has_sound: bool  # that can be decoded
    first_timecode: str | None = None  # of its first frame, if the camera wrote one
    lead_seconds: float = 0.0  # how much earlier than the pictures the file begins, on a player's clock
    clock: FileClock | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.duration_seconds < 0 or self.frame_rate <= 0 or self.height < 1 or self.width < 1:
            raise ValueError(f"impossible facts about a video: {self}")


@dataclass(frozen=True, slots=True)
class ProbedMoment:
    """A moment as it is cut, within its video, and the facts about that video."""

    moment: Moment
    facts: VideoFacts

    @property
    def seconds(self) -> float:
        """The length of the moment."""
        return self.moment.end_seconds - self.moment.start_seconds

    @property
    def player_span(self) -> tuple[float, float]:
        """When the moment begins and ends on the clock of players, which begins with the first picture or sound."""
        lead = self.facts.lead_seconds
        return self.moment.start_seconds + lead, self.moment.end_seconds + lead

    @property
    def name(self) -> str:
        """The video's name, safe in a line of text."""
        return one_line(self.moment.path.name)

    @property
    def note(self) -> str:
        """The moment's score, for a list; empty if you named the moment."""
        moment = self.moment
        if moment.score is None:
            return ""
        return f"{(moment.score_name or 'Score').lower()} {score_text(moment.score, 4)}"


def padded(moment: Moment, facts: VideoFacts, pad_seconds: float) -> ProbedMoment:
    """The moment, longer at both ends, within its video."""
    known_end = max(facts.duration_seconds, moment.end_seconds if isfinite(moment.end_seconds) else 0.0)
    start = max(moment.start_seconds - pad_seconds, 0.0)
    end = min(moment.end_seconds + pad_seconds, known_end)
    return ProbedMoment(replace(moment, start_seconds=start, end_seconds=end, clock=facts.clock), facts)


def video_facts(
    path: Path,
    reaching_seconds: float = 0.0,
    alive: Callable[[], None] = unwatched,
    clock: FileClock | None = None,
) -> VideoFacts:
    """Looks at a video; if its header declares less than `reaching_seconds`, its packets are measured."""
    with (
        open_moment(Moment(path, 0.0, float("inf"), clock=clock), alive) as opened,
        open_sound(path, opened.clock) as sound,
    ):
        height, width = shown_size(canvas_of(opened.first, opened.video.stream.sample_aspect_ratio))
        seconds, clock = opened.video.duration_seconds or 0.0, opened.clock
        if seconds < max(reaching_seconds, SHORTEST_SECONDS) and clock.duration_seconds is None:
            clock = read_clock(path, alive)
            seconds = clock.duration_seconds or 0.0
        rate = rate_of(opened.video)
        timecode = first_timecode(opened.video, opened.first, rate)
        lead = max(opened.video.late_seconds, 0.0)
        return VideoFacts(seconds, rate, height, width, sound is not None, timecode, lead, clock)


def make_sure_of(moment: Moment, alive: Callable[[], None] = unwatched) -> None:
    """Finds a moment's first frame, whatever the video's header says; raises UnreadableVideo if it has none."""
    with open_moment(moment, alive):
        return


def nearest_rate(frame_rate: Fraction) -> Fraction | None:
    """The standard rate that a file's rate stands for, if there is one near."""
    nearest = min(STANDARD_RATES, key=lambda rate: abs(rate - frame_rate))
    return nearest if abs(nearest - frame_rate) <= NEAR_SHARE * nearest else None
