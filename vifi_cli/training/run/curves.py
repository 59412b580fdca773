"""The curves of a run as a picture."""

from collections.abc import Sequence
from pathlib import Path

from vifi_cli.paths import replacing
from vifi_cli.training.run.reports import EpochReport, StepReport


def draw_curves(path: Path, steps: Sequence[StepReport], epochs: Sequence[EpochReport]) -> None:
    """Draw loss, learning rate and accuracy over epochs: a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    at = [step.epoch + (step.step + 1) / step.steps_per_epoch for step in steps]
    loss.plot(at, [step.loss for step in steps], color="0.75", linewidth=1, label="each step")
    means = [(epoch.epoch, epoch.loss) for epoch in epochs if epoch.loss is not None]
    loss.plot(*zip(*means, strict=True), color="C0", marker=".", label="mean of the epoch")
    loss.set(xlabel="epoch", ylabel="training loss")
    rate = loss.twinx()
    rate.plot(at, [step.learning_rate for step in steps], color="C1", linestyle=":")
    rate.set_ylabel("learning rate (dotted)", color="C1")
    loss.legend(frameon=False)
    scored = [epoch for epoch in epochs if epoch.scores]
    for name, marker in (("top1", "o"), ("top5", ".")):
        values = [100 * getattr(epoch.scores, name) for epoch in scored]
        accuracy.plot([e.epoch for e in scored], values, marker=marker, label=f"top-{name[-1]}")
    accuracy.set(xlabel="epoch", ylabel="accuracy in percent", ylim=(0, 101))
    accuracy.set_title(
        f"{scored[-1].scores.split} videos" if scored and scored[-1].scores else "not validated"
    )
    accuracy.legend(frameon=False, loc="lower right")
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
