"""The sampling rule: which frames represent a video, from presentation times alone.

Time is divided into slots of equal width, and each slot yields one frame:

    slot       0         1         2         3
    time   |----.----|----.----|----.----|----.----|      . the slot's center, the time wanted
    frames  K f f f f f K f f f f f f f f f f f f f       K keyframe, f any other
    chosen  K           K           f         f

A slot with a keyframe yields the keyframe nearest to its center, since that one decodes without any other frame.
Any other slot yields the frame on screen at its center. So a frame is at most half a slot away from the time wanted,
keeps its true presentation time, and never comes twice.
"""

import math
from dataclasses import dataclass, field

from vifi_cli.errors import InvalidInput

# containers round times to a millisecond: a frame this close before a slot or a center counts as on it
ROUNDING_SECONDS = 0.0006


@dataclass(frozen=True, slots=True)
class FrameSampling:
    """How densely to take frames from a video."""

    frames_per_second: float = 1.0
    minimum_frames: int = 8  # of a video too short to yield that many at the rate

    def __post_init__(self) -> None:
        if not (math.isfinite(self.frames_per_second) and self.frames_per_second > 0):
            raise InvalidInput(f"the sampling rate must be above 0 a second, not {self.frames_per_second}")
        if self.minimum_frames < 1:
            raise InvalidInput(f"a video needs at least 1 frame, not {self.minimum_frames}")


def slot_seconds(duration_seconds: float, sampling: FrameSampling) -> float:
    """The width of a slot: that of the rate, or less for a video too short for `minimum_frames` of those."""
    centers_within = math.ceil(duration_seconds * sampling.frames_per_second - 0.5)
    if centers_within >= sampling.minimum_frames or duration_seconds <= 0:
        return 1.0 / sampling.frames_per_second
    return duration_seconds / sampling.minimum_frames


@dataclass(slots=True)
class FrameChooser:
    """Chooses the frame of each slot while frames become known one by one, in any order.

    It keeps only a few times, so a video may be endless; a gap in time costs nothing, however long.
    """

    slot_seconds: float
    _seen: list[tuple[float, bool]] = field(default_factory=list)  # (seconds, is a keyframe)
    _slot: int = 0  # the first one undecided
    _last_chosen: float = -math.inf

    def see(self, seconds: float, is_keyframe: bool, complete_until: float) -> list[float]:
        """Notes a frame by its presentation time, and returns the times of the frames chosen now, ascending.

        No frame that is still to come may be presented before `complete_until`.
        """
        if seconds > self._last_chosen:
            self._seen.append((seconds, is_keyframe))
        return self._decide(complete_until, math.inf)

    def finish(self, end_seconds: float) -> list[float]:
        """The times chosen for the remaining slots whose center is before the end of the video."""
        return self._decide(math.inf, end_seconds)

    def keep_candidates(self) -> set[float]:
        """Keeps only the times that can still be chosen if frames come in presentation order, and returns them.

        There are two at most: the best so far for the current slot, and the latest.
        """
        if self._seen:
            kept = {self._best_in(self._slot_at_hand()), max(seconds for seconds, _ in self._seen)}
            self._seen = [entry for entry in self._seen if entry[0] in kept]
        return {seconds for seconds, _ in self._seen}

    def _decide(self, complete_until: float, end_seconds: float) -> list[float]:
        chosen: list[float] = []
        while self._slot_end(self._slot) <= complete_until + ROUNDING_SECONDS and self._has_new():
            slot = self._slot_at_hand()
            if self._slot_end(slot) > complete_until + ROUNDING_SECONDS or self._center(slot) >= end_seconds:
                break
            seconds = self._best_in(slot)
            self._slot = slot + 1
            if seconds > self._last_chosen:
                chosen.append(seconds)
                self._last_chosen = seconds
                self._seen = [entry for entry in self._seen if entry[0] >= seconds]
        return chosen

    def _slot_end(self, slot: int) -> float:
        return (slot + 1) * self.slot_seconds

    def _center(self, slot: int) -> float:
        return (slot + 0.5) * self.slot_seconds

    def _has_new(self) -> bool:
        return any(seconds > self._last_chosen for seconds, _ in self._seen)

    def _slot_at_hand(self) -> int:
        """The first undecided slot that can show a frame after the last chosen one."""
        new = (seconds for seconds, _ in self._seen if seconds > self._last_chosen)
        following = min(new, default=0.0)
        return max(self._slot, math.floor((following + ROUNDING_SECONDS) / self.slot_seconds))

    def _best_in(self, slot: int) -> float:
        start, end = slot * self.slot_seconds - ROUNDING_SECONDS, self._slot_end(slot) - ROUNDING_SECONDS
        center = self._center(slot)
        keyframes = [seconds for seconds, is_keyframe in self._seen if is_keyframe and start <= seconds < end]
        if keyframes:
            return min(keyframes, key=lambda seconds: (abs(seconds - center), seconds))
        on_screen = [seconds for seconds, _ in self._seen if seconds <= center + ROUNDING_SECONDS]
        return max(on_screen) if on_screen else min(seconds for seconds, _ in self._seen)
