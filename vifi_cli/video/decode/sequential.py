"""Decoding all of a video, for files whose times or keyframes are missing, wrong or damaged."""

from collections.abc import Callable, Iterator

from av.video.frame import VideoFrame

from vifi_cli.video.decode.clock import SteadyClock
from vifi_cli.video.decode.container import OpenVideo
from vifi_cli.video.decode.sampling import FrameChooser


class SequentialDecoding:
    """One pass over an open video that decodes every frame and keeps the chosen ones."""

    way = "sequential"

    def __init__(self, video: OpenVideo, chooser: FrameChooser, alive: Callable[[], None]) -> None:
        self._clock = SteadyClock(video)
        self._video = video
        self._chooser = chooser
        self._alive = alive

    @property
    def damaged(self) -> int:
        """How many packets the decoder refused."""
        return self._video.packets_damaged

    @property
    def end_seconds(self) -> float:
        """Where the last frame ends."""
        return self._clock.end_seconds

    def frames(self) -> Iterator[tuple[float, VideoFrame]]:
        """The chosen frames with their seconds, in order."""
        held: dict[float, VideoFrame] = {}
        for frame in self._video.frames(self._alive):
            seconds = self._clock.read(frame)
            if seconds is None:
                continue
            held[seconds] = frame
            for chosen in self._chooser.see(seconds, frame.key_frame, seconds):
                yield chosen, held[chosen]
            kept = self._chooser.keep_candidates()
            held = {time: held[time] for time in kept if time in held}
        for chosen in self._chooser.finish(self.end_seconds):
            yield chosen, held[chosen]
