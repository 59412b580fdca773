"""Logs a run with trackio, which keeps it on this machine unless TRACKIO_SPACE_ID or TRACKIO_SERVER_URL is set."""

import io
from collections.abc import Callable
from contextlib import redirect_stdout

from vifi_cli.training.run.loggers.logger import LoggedRun, Values

OWN_NAME = 4  # characters of the run's id in its name, by which trackio continues a run


class TrackioLogger:
    """Logs to trackio; a resumed run continues under its name."""

    def __init__(self, run: LoggedRun, say: Callable[[str], None]) -> None:
        import trackio

        name = f"{run.name}-{run.id[:OWN_NAME]}"
        with redirect_stdout(io.StringIO()):  # stdout is for data
            self._run = trackio.init(run.project, name, config=dict(run.facts), resume="allow", embed=False)
        say(f"trackio: {name}; show it with `trackio show --project {run.project}`")

    def log(self, values: Values, step: int) -> None:
        """Log values."""
        self._run.log(dict(values), step=step)

    def finish(self, result: Values, step: int) -> None:
        """Log the result, and wait until everything is stored."""
        import trackio

        with redirect_stdout(io.StringIO()):
            if result:
                self._run.log(dict(result), step=step)
            # not by the run's own method, after which trackio finishes it again at exit
            trackio.finish()
