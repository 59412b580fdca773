"""Who follows a run while it goes on, and may stop it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Listener:
    """Follows a run and may stop it."""

    should_stop: Callable[[], bool] = lambda: False  # after a step, in any process: the run is saved and ends
    scoring: Callable[[int, int], None] = lambda done, total: None  # how many videos are scored, of how many
    # the same of training videos encoded once
    encoding: Callable[[int, int], None] = lambda done, total: None
    say: Callable[[str], None] = lambda message: None
