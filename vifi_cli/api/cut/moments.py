"""The moments that a cut is made of."""

from dataclasses import dataclass

from vifi_cli.video.moment import Moment


@dataclass(frozen=True, slots=True)
class Wanted:
    """Moments in the order in which they are shown, and what they are moments of."""

    title: str
    moments: tuple[Moment, ...]
