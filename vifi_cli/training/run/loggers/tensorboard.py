"""Writes what happens in a run for TensorBoard."""

from vifi_cli.training.run.loggers.logger import LoggedRun, Values


class TensorBoardLogger:
    """Writes event files into the folder of the run; a resumed run adds to them."""

    def __init__(self, run: LoggedRun) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(run.folder / "tensorboard")

    def log(self, values: Values, step: int) -> None:
        """Write values."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def finish(self, result: Values, step: int) -> None:
        """Write the result, and close the file."""
        self.log(result, step)
        self._writer.close()
