"""When moments begin on the clock of players, which count from a file's first picture or sound."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from vifi_cli.api.cut.known_clocks import known_clocks
from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.export.player_time import PlayerTime, player_time
from vifi_cli.video.workers.isolated_worker import IsolatedWorker
from vifi_cli.video.workers.messages import Answers


def player_starts(moments: Sequence[tuple[Path, float]]) -> Iterator[float | UnreadableVideo | None]:
    """The times for players of moments, each a video and seconds from its first picture.

    None if no player finds a moment, since the file's own times are set back; the reason if vifi cannot read the file.
    """
    clocks = known_clocks({path for path, _ in moments})
    with IsolatedWorker() as worker:
        for path, seconds in moments:
            try:
                call = partial(player_time, path, seconds, clocks.get(path))
                yield worker.call(call, Answers(PlayerTime)).seconds
            except UnreadableVideo as error:
                yield error
