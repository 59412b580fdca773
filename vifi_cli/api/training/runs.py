"""Training runs on disk: listed, and drawn together."""

from collections.abc import Sequence
from pathlib import Path

from vifi_cli.api.feedback import AUTOMATIC, Feedback
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.figures.lettering import spelling_note
from vifi_cli.paths import RUNS, given_path, shown_path
from vifi_cli.training.run.curves import MOST_RUNS, draw_curves
from vifi_cli.training.run.summary import RunOrder, RunSummary, find_runs, in_order, summarize


def list_runs(
    places: Sequence[Path | str] = (), order: RunOrder = "newest", feedback: Feedback = AUTOMATIC
) -> list[RunSummary]:
    """List runs with their data, recipe and scores.

    Args:
        places: runs, and folders that have runs one or two levels below them; by default `runs/`.
        order: `newest`, `name`, or `best`, by top-1 among the runs on the same data.
        feedback: receives a warning for each damaged run that is left out.

    Raises:
        InvalidInput: a place has no run, or all runs are damaged.
    """
    if not places and not RUNS.is_dir():
        raise InvalidInput(
            f"{RUNS}/ does not exist here: name a folder of runs, or train with `vifi finetune`"
        )
    runs, damaged = [], []
    for folder in find_runs([given_path(place) for place in places or [RUNS]]):
        try:
            runs.append(summarize(folder))
        except InvalidInput as error:
            damaged.append(str(error))
    if damaged and not runs:
        raise InvalidInput(damaged[0])
    for problem in damaged:
        feedback.warn(f"left out: {problem}")
    return in_order(runs, order)


def draw_runs(runs: Sequence[RunSummary], target: Path | str, feedback: Feedback = AUTOMATIC) -> Path:
    """Draw loss, accuracy and learning rate of runs in one picture, a color for each run.

    Args:
        runs: up to seven, as `list_runs` gives them.
        target: a PNG; an existing one is replaced.
        feedback: receives a note if the picture spells names differently.

    Raises:
        InvalidInput: there are too many runs, or `target` is not the name of a PNG.
    """
    file = given_path(target)
    if len(runs) > MOST_RUNS:
        raise InvalidInput(f"{len(runs)} runs are too many for one picture: name up to {MOST_RUNS}")
    if file.suffix.lower() != ".png" or file.is_dir():
        raise InvalidInput(f"--output {target} is not a PNG: name a file such as curves.png")
    curves = [run.folder.curves(shown_path(run.folder.path)) for run in runs]
    draw_curves(file, curves)
    if note := spelling_note(each.name for each in curves):
        feedback.note(note)
    return file
