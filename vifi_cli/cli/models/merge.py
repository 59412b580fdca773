"""`vifi model merge`: averages models, and shows how mixtures of two score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli.cli.models.card_facts import card_document, card_facts
from vifi_cli.cli.models.conversion import OutputOption
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.options import completion
from vifi_cli.cli.terminal.options.shared import DeviceOption, JsonOption
from vifi_cli.cli.terminal.options.splicing import spliced
from vifi_cli.cli.terminal.progress.bars import ON_TERMINAL, load_torch
from vifi_cli.errors import InvalidInput
from vifi_cli.wording import as_argument

if TYPE_CHECKING:
    from vifi_cli.api.models.merging import MergedModel
    from vifi_cli.evaluation.testing.alpha_sweep import AlphaSweep


@dataclass(frozen=True, slots=True)
class Mixture:
    """How much of the second model goes into the average."""

    alpha: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="The second model's share of the weights", show_default="0.5"),
    ] = None
    sweep: Annotated[
        bool,
        typer.Option("--sweep", help="Score alpha 0, 0.1 … 1 on --data, and take the best without --alpha"),
    ] = False
    data: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DATA",
            autocompletion=completion.datasets,
            help="What to score on, as in `vifi finetune` (repeatable)",
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.sweep and not self.data:
            raise InvalidInput("--sweep needs videos to score on: name them with --data")
        if self.data and not self.sweep:
            raise InvalidInput("--data is for --sweep: add it, or omit --data")


@spliced
def merge_command(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODELS",
            autocompletion=completion.models,
            help="Two models, the plain one first, then the tuned one; or three and more tuned from the same one",
        ),
    ],
    folder: OutputOption,
    mixture: Mixture,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Average the weights of models: two by alpha (WiSE-FT), three or more in equal shares (a soup).

    Averaging a fine-tuned model with its base often recovers what fine-tuning lost. One LoRA model gets full weights.
    """
    load_torch()
    from vifi_cli.api.models.merging import merge_models

    alpha, data = mixture.alpha, mixture.data or ()
    merged = merge_models(models, folder, alpha=alpha, data=data, device=device, feedback=ON_TERMINAL)
    for remark in merged.remarks:
        output.warning(remark)
    if as_json:
        output.document(_as_document(merged))
    elif merged.sweep:
        _show_sweep(merged.sweep)
        output.note(f"merged: {merged.card.origin['merged']}")
    else:
        output.facts(card_facts(merged.card))
    output.note(f"written to {merged.folder}; use it as --model {as_argument(merged.folder)}")


def _as_document(merged: MergedModel) -> dict[str, object]:
    from vifi_cli.api.models.merging import CURVE_FILE

    document = {"folder": str(merged.folder), **card_document(merged.card), "remarks": merged.remarks}
    if not merged.sweep:
        return document
    return {
        **document,
        "data": [{"name": part.name, "videos": len(part.test)} for part in merged.sweep.data],
        "sweep": [
            {"alpha": point.alpha, "top1": point.top1, "mean": point.mean} for point in merged.sweep.points
        ],
        "measure": merged.sweep.measure,
        "frames": merged.sweep.frames,
        "views": "1x1",
        "curve": str(merged.folder / CURVE_FILE),
    }


def _show_sweep(swept: AlphaSweep) -> None:
    names = [part.name for part in swept.data]
    if len(names) > 1:
        names.append("Mean")
    rows = []
    for point in swept.points:
        scores = (*point.top1, point.mean)[: len(names)]
        rows.append((f"{point.alpha:.1f}", *(f"{score:.3f}" for score in scores)))
    output.rows(("Alpha", *names), rows, right=("Alpha", *names))
    output.note(f"{swept.measure} with {swept.frames} frames, 1x1 views")
