"""`vifi improve`: from marks to a model that is adopted only if it is better."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vifi_cli import stop_signals
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.confirmation import is_confirmed
from vifi_cli.cli.terminal.options import completion
from vifi_cli.cli.terminal.options.shared import DeviceOption, JsonOption, YesOption, output_option
from vifi_cli.cli.terminal.progress.bars import ON_TERMINAL, load_torch
from vifi_cli.cli.training.improvement_result import show_estimate, show_improvement, show_trials
from vifi_cli.cli.training.options import training_option
from vifi_cli.wording import as_argument, counted

if TYPE_CHECKING:
    from vifi_cli.api.teaching.improvement.improve import Improvement
    from vifi_cli.api.teaching.improvement.plan import ImprovementRequest

NOT_ADOPTED = 1
Method = Literal["auto", "text-prompts", "lora", "finetune"]


def improve(
    concepts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Concepts to improve",
            show_default="all with enough marks",
            autocompletion=completion.concepts,
        ),
    ] = None,
    method: Annotated[
        Method,
        training_option(help="How to train; auto decides by the number of marks and the encoder"),
    ] = "auto",
    queries: Annotated[
        Path | None,
        training_option(
            metavar="FILE",
            help="Captions that must still find their videos: CSV with the columns file and caption",
            show_default=False,
        ),
    ] = None,
    max_loss: Annotated[
        float | None,
        training_option(
            metavar="SHARE",
            help="What a model may lose of what the index finds now, from 0 to 1",
            show_default="0.1",
        ),
    ] = None,
    group_by: Annotated[
        str | None,
        training_option(
            metavar="REGEX",
            help="Finds the person or scene in a file name; each is either learned from or held out",
            show_default="each video",
        ),
    ] = None,
    recipe: Annotated[
        list[str] | None,
        training_option(
            metavar="CHANGE",
            autocompletion=completion.recipes,
            help="Change the recipe, as in `vifi finetune` (repeatable)",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, training_option("--dry-run", "-n", help="Show marks, method and time, and train nothing")
    ] = False,
    folder: Annotated[
        Path | None, output_option("Folder of run and report", metavar="FOLDER", default="a new one in runs/")
    ] = None,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
    yes: YesOption = False,
) -> None:
    """Train on your marks, and adopt the model only if it is better.

    It learns from most marks, and compares the model with what your marks have taught already on the others. It also
    asks captions again that your index answers well. Your index stays as it is until you agree.

    Exit code 0 if a model is adopted, 1 if not.

    Examples:
      vifi improve waving walking --dry-run
      vifi improve --queries captions.csv -o runs/better
    """
    load_torch()
    from vifi_cli.api.teaching.improvement.decision import MOST_LOST
    from vifi_cli.api.teaching.improvement.estimate import estimate_improvement
    from vifi_cli.api.teaching.improvement.plan import ImprovementRequest

    request = ImprovementRequest(
        tuple(concepts or ()),
        None if method == "auto" else method,
        queries,
        MOST_LOST if max_loss is None else max_loss,
        group_by,
        tuple(recipe or ()),
        folder,
        device,
    )
    if dry_run:
        show_estimate(estimate_improvement(request, ON_TERMINAL), as_json=as_json)
        return
    outcome = _carried_out(request, yes=yes, as_json=as_json)
    show_improvement(outcome, as_json=as_json)
    if not outcome.is_adopted:
        raise typer.Exit(NOT_ADOPTED)


def _carried_out(request: "ImprovementRequest", *, yes: bool, as_json: bool) -> "Improvement":
    from vifi_cli.api.teaching.improvement.improve import run_improvement
    from vifi_cli.api.teaching.improvement.report import write_improvement
    from vifi_cli.api.training.run import Interrupted

    def confirm(outcome: "Improvement") -> bool:
        write_improvement(outcome)  # it is kept, whatever the answer is
        if yes or not sys.stdin.isatty():
            return yes
        if not as_json:
            show_trials(outcome)
        output.note(outcome.decision.reason)
        plan = outcome.plan
        videos = counted(plan.index_videos, "video")
        what = f"Make the index of {videos} again with it?" if plan.needs_new_index else "Adopt it?"
        return is_confirmed(what, "answer y to adopt the model, or n to keep the index as it is")

    try:
        outcome = run_improvement(request, confirm=confirm, feedback=ON_TERMINAL)
    except Interrupted as interruption:
        again = as_argument(interruption.folder.parent)
        output.note(
            f"{stop_signals.in_words(interruption)} and saved; the same command with -o {again} continues"
        )
        raise typer.Exit(stop_signals.heed(interruption)) from interruption
    write_improvement(outcome)
    return outcome
