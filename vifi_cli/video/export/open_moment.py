"""A moment in an open video: the frames on screen in it, each with its times."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from av.video.frame import VideoFrame

from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.clock.file_clock import PLAIN_CLOCK, SAME_INSTANT_SECONDS, FileClock
from vifi_cli.video.container.clock_reading import clock_of
from vifi_cli.video.container.container import SEEK_EARLIER_SECONDS, OpenVideo, open_video, unwatched
from vifi_cli.video.decode.selective import TimedFrame
from vifi_cli.video.decode.steady_clock import SteadyClock, ticks_of
from vifi_cli.video.moment import Moment

USUAL_FRAMES = 1.5  # a frame on screen for longer, such as a slide, may be cut in the middle


@dataclass(frozen=True, slots=True, eq=False)
class ShownFrame:
    """A frame and when it is on screen, in seconds from the video's first frame."""

    frame: VideoFrame
    start_seconds: float
    end_seconds: float


class OpenMoment:
    """A moment in an open video, read up to its first frame."""

    first: VideoFrame  # on screen when the moment begins
    clock: FileClock
    start_seconds: float  # of the first frame, or of the moment if that frame is a long one

    def __init__(self, video: OpenVideo, moment: Moment, alive: Callable[[], None]) -> None:
        self.video = video
        self.clock = video.clock or PLAIN_CLOCK
        self._moment = moment
        self._alive = alive
        self._clock = SteadyClock(video)
        self._longest_usual_seconds = USUAL_FRAMES * video.frame_seconds
        self._next: TimedFrame | None = None

    def begin(self, earlier_seconds: float) -> bool:
        """Reads from this long before the moment up to its first frame; False if that was too late to find it."""
        start = self._moment.start_seconds
        from_beginning = not self.video.seek(start - earlier_seconds)
        self._timed = self._timed_frames(times_needed=not from_beginning)
        shown: TimedFrame | None = None
        for seconds, frame in self._timed:
            if seconds > start + SAME_INSTANT_SECONDS:
                self._next = seconds, frame
                break
            shown = seconds, frame
        if shown is None and from_beginning:
            shown, self._next = self._next, next(self._timed, None)
        is_past_end = self._next is None and self._clock.end_seconds <= start
        if (shown is None or is_past_end) and not from_beginning:
            return False
        if shown is None:
            raise UnreadableVideo(self.video.why_no_frame())
        if is_past_end:
            raise UnreadableVideo(f"it ends at {self._clock.end_seconds:.1f} s, before {start:.1f} s")
        seconds, self.first = shown
        self.start_seconds = seconds if start - seconds < self._longest_usual_seconds else start
        return True

    def frames(self) -> Iterator[ShownFrame]:
        """The moment's frames; each ends where the next one begins."""
        frame, start = self.first, self.start_seconds
        while self._next is not None and self._next[0] < self._moment.end_seconds - SAME_INSTANT_SECONDS:
            yield ShownFrame(frame, start, self._next[0])
            start, frame = self._next
            self._next = next(self._timed, None)
        end = self._clock.end_seconds if self._next is None else self._next[0]
        if end - self._moment.end_seconds >= self._longest_usual_seconds:
            end = self._moment.end_seconds
        yield ShownFrame(frame, start, end)

    def _timed_frames(self, *, times_needed: bool) -> Iterator[TimedFrame]:
        for frame in self.video.frames(self._alive):
            if times_needed and ticks_of(frame) is None:
                return
            seconds = self._clock.read(frame)
            if seconds is not None:
                yield seconds, frame


def at_even_times(
    frames: Iterable[ShownFrame], start_seconds: float, step_seconds: float
) -> Iterator[VideoFrame]:
    """The frames on screen at a start and at even steps after it; one that stays on screen comes repeatedly."""
    count = 0
    for shown in frames:
        while start_seconds + count * step_seconds < shown.end_seconds - SAME_INSTANT_SECONDS:
            yield shown.frame
            count += 1


@contextmanager
def open_moment(moment: Moment, alive: Callable[[], None] = unwatched) -> Iterator[OpenMoment]:
    """Opens a video just before a moment; calls `alive` between calls of native code."""
    clock = moment.clock or clock_of(moment.path, alive)
    for earlier_seconds in SEEK_EARLIER_SECONDS:
        with open_video(moment.path, clock) as video:
            video.stream.thread_type = "AUTO"
            opened = OpenMoment(video, moment, alive)
            if opened.begin(earlier_seconds):
                yield opened
                return
