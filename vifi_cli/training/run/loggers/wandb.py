"""Logs a run with Weights & Biases; without a login or a network, into files that can be sent later."""

import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any

from vifi_cli.training.run.loggers.logger import LoggedRun, Values
from vifi_cli.wording import as_argument

PATIENCE_SECONDS = 15
QUIET_AND_PRIVATE: Mapping[str, Any] = {
    "silent": True,
    # the output and the command line name files
    "console": "off",
    "x_disable_meta": True,
    "disable_git": True,
    "disable_code": True,
    "save_code": False,
    "x_save_requirements": False,
    # a run does not wait for the network
    "init_timeout": PATIENCE_SECONDS,
    "login_timeout": PATIENCE_SECONDS,
    "finish_timeout": 2 * PATIENCE_SECONDS,
}


class WandbLogger:
    """Logs to Weights & Biases; WANDB_MODE, WANDB_PROJECT, WANDB_DIR and the other variables apply."""

    def __init__(self, run: LoggedRun, say: Callable[[str], None]) -> None:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # reports go to another company
        import wandb

        self._run: Any = None
        self._logged = run
        obstacle = ""
        with _silence():
            settings = wandb.Settings(**QUIET_AND_PRIVATE)
            wishes_online = wandb.setup().settings.mode in ("online", "shared")
            if wishes_online and not wandb.login(prompt=False):
                obstacle = "not logged in"
            try:
                self._begin("offline" if obstacle else None, settings)
            except wandb.Error:
                if not wishes_online:
                    raise
                obstacle = "cannot be reached"
                self._begin("offline", settings)
        say(self._where(obstacle))

    def _begin(self, mode: Any, settings: Any) -> None:
        import wandb

        run = self._logged
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT") or run.project,
            name=os.environ.get("WANDB_NAME") or run.name,
            id=run.id,
            resume="allow",
            dir=os.environ.get("WANDB_DIR") or str(run.folder),
            mode=mode,
            config=dict(run.facts),
            settings=settings,
        )

    def _where(self, obstacle: str) -> str:
        """Where the values are, and how to send those that stay on this machine."""
        with _silence():
            if self._run.disabled:
                return "wandb: disabled by WANDB_MODE"
            if not self._run.offline:
                return f"wandb: {self._run.url}"
            folder = as_argument(self._run.settings.sync_dir)
        login = "`wandb login` and " if obstacle == "not logged in" else ""
        return f"wandb: {obstacle or 'offline'}; {login}`wandb sync {folder}` send the values later"

    def log(self, values: Values, step: int) -> None:
        """Log values."""
        # a resumed run cannot add to its last step
        try:
            self._run.log(dict(values), step=max(step, self._run.step))
        except Exception:
            import wandb

            # its process is dead; at exit wandb would print a traceback
            with suppress(Exception), _silence():
                wandb.teardown()
            raise

    def finish(self, result: Values, step: int) -> None:
        """Put the result into the summary, and wait a little until everything is sent."""
        with _silence():
            self._run.summary.update(dict(result))
            self._run.finish(exit_code=0 if result else 1)


@contextmanager
def _silence() -> Iterator[None]:
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield
