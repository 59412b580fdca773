"""What to improve and how, and what that would do; nothing is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vifi_cli.api.feedback import Feedback
from vifi_cli.api.models.choosing import choose_start_of_training
from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.teaching.improvement.decision import MOST_LOST
from vifi_cli.api.teaching.improvement.forgetting import recollection
from vifi_cli.api.teaching.improvement.mark_plan import MarkPlan, Method, choose_method, plan_marks
from vifi_cli.api.teaching.improvement.trial import Examination
from vifi_cli.api.teaching.labeled_marks import concepts_named
from vifi_cli.api.training.concept_data import run_folder_of_concepts, table_suffix
from vifi_cli.api.training.request import TrainingOptions
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import config_file
from vifi_cli.settings.settings import read_values

if TYPE_CHECKING:
    from vifi_cli.training.recipe.changes import Change


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
    model_setting: str | None  # of the user's file, which text prompts replace

    @property
    def needs_new_index(self) -> bool:
        """Whether the method changes how videos are encoded."""
        return self.method != "text-prompts"


def plan_improvement(
    session: SearchSession, request: ImprovementRequest, feedback: Feedback
) -> ImprovementPlan:
    """Checks the marks, the queries and the recipe, and says what would be done; writes nothing."""
    _check_recipe(request.recipe)
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
    names = [count.name for count in marks.counts]
    folder = run_folder_of_concepts(names, request.output, begins="improve-")
    moments = {moment.path for moment in marks.marked.moments}
    old = recollection(session, marks.marked.concepts, sorted(moments), request.queries, feedback)
    videos = {video.path: video.duration_seconds for video in catalog.videos()}
    return ImprovementPlan(
        marks,
        method,
        reason,
        start,
        present,
        Examination(marks.marked, marks.held_out, old),
        folder,
        folder / f"clips{table_suffix(marks.videos(folder.name))}",
        sum(videos[path] for path in old.videos),
        len(videos),
        sum(videos.values()),
        read_values(config_file()).get("model"),
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


def _check_recipe(changes: "Sequence[Change]") -> None:
    from vifi_cli.model.registry.card import HEADS
    from vifi_cli.training.recipe.changes import make_recipe

    recipe = make_recipe("small", changes=changes)
    if recipe.select_on_test:
        raise InvalidInput(
            "recipe: select_on_test would choose an epoch by the marks that test the model: omit it"
        )
    if recipe.tune in HEADS:
        raise InvalidInput(
            f"recipe: {recipe.tune} learns nothing that a search could use: omit tune={recipe.tune}"
        )


def _marked_names(session: SearchSession) -> Sequence[str]:
    names = [concept.name for concept in session.concepts.all() if concept.marks]
    if not names:
        raise InvalidInput("nothing is marked yet: mark moments with `vifi teach` first")
    return names


def _is_starter(model: str) -> bool:
    from vifi_cli.model.registry.source import resolve_model
    from vifi_cli.model.storage.starter_model import starter_towers_of

    return starter_towers_of(resolve_model(model)) is not None
