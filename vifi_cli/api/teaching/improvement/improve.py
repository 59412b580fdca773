"""The loop in one function: check marks, train, compare with what marks have taught, adopt only if that is better."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vifi_cli import paths
from vifi_cli.api.feedback import AUTOMATIC, Feedback
from vifi_cli.api.library.encoders import EncoderChoice, load_query_encoder
from vifi_cli.api.library.indexing import index_request, run_indexing
from vifi_cli.api.models.choosing import choose_start_of_training
from vifi_cli.api.models.merging import merge_models
from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.settings import set_setting
from vifi_cli.api.teaching.improvement.decision import (
    MOST_LOST,
    Candidate,
    Decision,
    candidate,
    decide,
    is_perfect,
)
from vifi_cli.api.teaching.improvement.forgetting import recollection
from vifi_cli.api.teaching.improvement.plan import MarkPlan, Method, choose_method, plan_marks
from vifi_cli.api.teaching.improvement.trial import Examination, Trial
from vifi_cli.api.teaching.labeled_marks import concepts_named
from vifi_cli.api.training.request import Method as TrainedMethod
from vifi_cli.api.training.request import TrainingOptions, training_request
from vifi_cli.api.training.run import train_model
from vifi_cli.data.formats.tables.writing import JSON_LINES
from vifi_cli.data.labeled_videos import shows_several_classes
from vifi_cli.data.splits.plan import write_splits
from vifi_cli.errors import InvalidInput
from vifi_cli.index.concepts.concept import Concept
from vifi_cli.training.engine.processes.distributed import joined_processes
from vifi_cli.wording import as_argument

if TYPE_CHECKING:
    from vifi_cli.training.recipe.changes import Change

ALPHAS = (0.75, 0.5, 0.25)
"""The tuned model's shares of the weights that are tried where it forgets too much."""


@dataclass(frozen=True, slots=True)
class ImprovementRequest:
    """What to improve, and how."""

    concepts: tuple[str, ...] = ()  # by their names; all that have marks if empty
    method: Method | None = None  # None chooses by the number of marks
    queries: Path | None = (
        None  # captions whose answers must stay, as `vifi eval --setting retrieval` reads them
    )
    most_lost: float = MOST_LOST  # of what the present index finds, 0 to 1
    group_by: str | None = None  # a regular expression that finds groups in file names, such as persons
    recipe: "tuple[Change, ...]" = ()
    output: Path | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        if not 0 <= self.most_lost <= 1:
            raise InvalidInput(f"--max-loss {self.most_lost:g} is not a share: write a number from 0 to 1")


@dataclass(frozen=True, slots=True)
class ImprovementPlan:
    """What would be done: the marks, the method with its reason, and what is encoded."""

    marks: MarkPlan
    method: Method
    reason: str
    start: str  # the model that training starts from
    present: str  # the model of the index
    examination: Examination
    folder: Path
    table: Path  # of the marked moments
    sample_seconds: float  # of video to encode for a model that is tried
    index_videos: int  # to encode for a new index
    index_seconds: float

    @property
    def needs_new_index(self) -> bool:
        """Whether the method changes how videos are encoded."""
        return self.method != "text-prompts"


@dataclass(frozen=True, slots=True, eq=False)
class Improvement:
    """What came of it."""

    plan: ImprovementPlan
    present: Trial
    candidates: tuple[Candidate, ...]
    decision: Decision
    is_adopted: bool = False

    @property
    def back(self) -> str:
        """The command that goes back to the model of before."""
        if not self.plan.needs_new_index:
            return "vifi config unset model"
        model = self.plan.present
        shown = as_argument(Path(model)) if paths.is_given_folder(model) else model
        return f"vifi index --rebuild --model {shown}"


def improve(
    request: ImprovementRequest,
    *,
    confirm: Callable[[Improvement], bool] = lambda _: True,
    feedback: Feedback = AUTOMATIC,
) -> Improvement:
    """Trains a model on marks, and adopts it if it finds held-out marks better and forgets little.

    The index stays as it is until then. An interrupted run goes on where it stopped if it is asked for again with the
    same `output`. `confirm` is asked before anything is adopted.

    Raises:
        InvalidInput: a concept does not exist, or has too few marks; the message says what is missing.
        Interrupted: Ctrl-C stopped the training, which is saved.
    """
    with SearchSession(paths.index_folder(), feedback) as session:
        plan = plan_improvement(session, request, feedback)
        reader = session.text_encoder()
        present = plan.examination.of_index(f"present ({plan.present})", session.index, reader)
        if is_perfect(present, plan.marks.held_out):
            reason = "your marks alone rank all held-out marks correctly, so there is nothing to gain"
            return Improvement(plan, present, (), Decision(None, reason))
        model = _trained(plan, request, feedback)
        trials = _tried(plan, model, present, session, request, feedback)
        decision = decide(trials, plan.marks.held_out, request.most_lost)
    outcome = Improvement(plan, present, tuple(trials), decision)
    if decision.chosen is None or not confirm(outcome):
        return outcome
    adopt(plan, decision.chosen.trial.model, request.device, feedback)
    return replace(outcome, is_adopted=True)


def plan_improvement(
    session: SearchSession, request: ImprovementRequest, feedback: Feedback
) -> ImprovementPlan:
    """Checks the marks and the queries, and says what would be done; writes nothing."""
    catalog = session.index.catalog
    concepts = concepts_named(session, request.concepts or _marked_names(session))
    marks = plan_marks(catalog, concepts, request.group_by)
    for lacking in marks.lacking:
        feedback.note(f"@{lacking.name} is left out: it needs {lacking.lacks}")
    present = catalog.indexed_with.model
    start = choose_start_of_training(None, of_prompts=request.method == "text-prompts").name
    method, reason = choose_method(marks, is_starter=_is_starter(start))
    if request.method:
        method, reason = request.method, "as asked"
    if method == "text-prompts":
        start = present  # prompts fit the index of their own base
    names = "-".join(paths.slug(count.name) for count in marks.counts[:3])
    folder = paths.given_path(request.output) if request.output else _new_folder(names)
    moments = {moment.path for moment in marks.marked.moments}
    old = recollection(session, marks.marked.concepts, sorted(moments), request.queries, feedback)
    videos = {video.path: video.duration_seconds for video in catalog.videos()}
    is_several = shows_several_classes(marks.videos(names).train)
    return ImprovementPlan(
        marks,
        method,
        reason,
        start,
        present,
        Examination(marks.marked, marks.held_out, old),
        folder,
        folder / f"clips{JSON_LINES if is_several else '.csv'}",
        sum(videos[path] for path in old.videos),
        len(videos),
        sum(videos.values()),
    )


def training_changes(
    plan: ImprovementPlan, request: ImprovementRequest
) -> tuple[Literal["finetune", "prompt_tune"], TrainingOptions]:
    """The function that trains by a plan, and its options."""
    options: TrainingOptions = {"output": plan.folder / "run", "recipe": request.recipe}
    if plan.method == "text-prompts":
        return "prompt_tune", {**options, "tune": "text"}
    if plan.method == "lora":
        options["recipe"] = ("lora-small", *request.recipe)
    return "finetune", options


def write_table(plan: ImprovementPlan) -> None:
    """Writes the marked moments that are learned from and those that test.

    Raises:
        InvalidInput: an earlier run in the folder was about other marks.
    """
    plan.folder.mkdir(parents=True, exist_ok=True)
    new = plan.table.with_name(f"new-{plan.table.name}")
    write_splits(plan.marks.videos(str(plan.table)), new)
    is_same = not plan.table.exists() or plan.table.read_bytes() == new.read_bytes()
    if not is_same:
        new.unlink()
        raise InvalidInput(
            f"the marks have changed since the run in {plan.folder} began: name another --output"
        )
    new.replace(plan.table)


def _trained(plan: ImprovementPlan, request: ImprovementRequest, feedback: Feedback) -> str:
    """Trains, or goes on with the training in the folder; returns the best model."""
    write_table(plan)
    function, options = training_changes(plan, request)
    method: TrainedMethod = "prompt" if function == "prompt_tune" else "finetune"
    training = training_request(plan.table, plan.start, method, options)
    with joined_processes(request.device, feedback.note) as processes:
        return str(train_model(training, processes, feedback))


def _tried(
    plan: ImprovementPlan,
    model: str,
    present: Trial,
    session: SearchSession,
    request: ImprovementRequest,
    feedback: Feedback,
) -> list[Candidate]:
    """The trained model, and averages with its start where it forgets too much, against the present one."""
    exam, index, held_out = plan.examination, session.index, plan.marks.held_out
    catalog = index.catalog
    if not plan.needs_new_index:
        reader = load_query_encoder(catalog.indexed_with, EncoderChoice(model, request.device), feedback)
        trial = replace(exam.of_index("text prompts", index, reader), model=model)
        return [candidate(trial, present, held_out)]
    tuned = exam.of_model("tuned", model, catalog, request.device, feedback)
    tried = [candidate(replace(tuned, alpha=1.0), present, held_out)]
    for alpha in ALPHAS if tried[0].most_lost > request.most_lost else ():
        feedback.note(f"the tuned model loses {tried[0].most_lost:.0%}: trying {alpha:g} of its weights")
        folder = plan.folder / f"averaged-{alpha:g}"
        if not folder.exists():
            merge_models([plan.start, model], folder, alpha=alpha, feedback=feedback)
        name = f"averaged, {alpha:g} tuned"
        trial = exam.of_model(name, str(folder), catalog, request.device, feedback)
        tried.append(candidate(replace(trial, alpha=alpha), present, held_out))
    return tried


def adopt(plan: ImprovementPlan, model: str, device: str, feedback: Feedback) -> None:
    """Makes a model that of the index: text prompts read queries, another model makes the index again."""
    if not plan.needs_new_index:
        set_setting("model", [model])
        return
    run_indexing(paths.index_folder(), index_request((), model=model, rebuild=True, device=device), feedback)


def _marked_names(session: SearchSession) -> Sequence[str]:
    concepts: list[Concept] = [session.concepts.get(name) for name in session.concepts.names()]
    names = [concept.name for concept in concepts if concept.marks]
    if not names:
        raise InvalidInput("nothing is marked yet: mark moments with `vifi teach` first")
    return names


def _is_starter(model: str) -> bool:
    from vifi_cli.model.registry.source import resolve_model
    from vifi_cli.model.storage.starter_model import starter_towers_of

    return starter_towers_of(resolve_model(model)) is not None


def _new_folder(names: str) -> Path:
    return paths.RUNS.absolute() / f"improve-{names}-{datetime.now():%Y%m%d-%H%M%S}"
