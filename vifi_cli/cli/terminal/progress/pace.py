"""How fast work goes, and how long the rest takes."""

from collections import deque
from dataclasses import dataclass, field

FEWEST_SECONDS = 1.0  # of work, before a rate means something
SHORTEST_WINDOW_SECONDS = 20.0
WINDOW_SHARE = 0.5  # of the time so far: what happened before tells little about what comes
SAMPLES = 100


@dataclass(slots=True)
class Pace:
    """The rate of the latest part of some work; times are in seconds of one monotonic clock."""

    started: float
    _samples: deque[tuple[float, float]] = field(default_factory=deque)  # of time and amount done

    def note(self, now: float, done: float) -> None:
        """Notes how much is done; an amount that falls begins again."""
        if self._samples and done < self._samples[-1][1]:
            self.started = now
            self._samples.clear()
        window = max(SHORTEST_WINDOW_SECONDS, WINDOW_SHARE * (now - self.started))
        if len(self._samples) > 2 and self._samples[-1][0] - self._samples[-2][0] < window / SAMPLES:
            self._samples.pop()
        self._samples.append((now, done))
        while len(self._samples) > 2 and self._samples[1][0] <= now - window:
            self._samples.popleft()

    def rate(self, now: float) -> float | None:
        """The amount done per second; None as long as too little is known. It falls while nothing comes."""
        if not self._samples:
            return None
        (begun, at_first), (latest, done) = self._samples[0], self._samples[-1]
        working, waiting = latest - begun, now - latest
        if working < FEWEST_SECONDS or done <= at_first:
            return None
        return (done - at_first) / (working if waiting <= working else working + waiting)

    def seconds_left(self, now: float, total: float | None) -> float | None:
        """How long the rest takes; None as long as that cannot be said."""
        rate = self.rate(now)
        if rate is None or total is None:
            return None
        latest, done = self._samples[-1]
        return max(0.0, (total - done) / rate - (now - latest))
