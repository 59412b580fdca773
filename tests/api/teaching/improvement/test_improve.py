"""The loop as a program runs it, with a tiny CLIP: nothing is adopted without a reason, and nothing is lost."""

from dataclasses import replace
from pathlib import Path

import pytest

import vifi_cli
from tests.cli.training.test_finetune import QUICK
from tests.conftest import MakeOnce
from tests.model.conftest import make_tiny_clip
from tests.taught_colours import COLORS, HARD, lend_taught_home, make_taught_home
from vifi_cli import paths
from vifi_cli.api.feedback import AUTOMATIC, Logged
from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.teaching.improvement.decision import candidate, decide
from vifi_cli.api.teaching.improvement.estimate import estimate_improvement
from vifi_cli.api.teaching.improvement.held_out import held_out_by, without_held_out
from vifi_cli.api.teaching.improvement.improve import Improvement, adopt_model, conclude, run_improvement
from vifi_cli.api.teaching.improvement.plan import ImprovementRequest, plan_improvement
from vifi_cli.api.teaching.improvement.report import improvement_document, write_improvement
from vifi_cli.api.teaching.improvement.trial import Trial
from vifi_cli.api.training.run import Interrupted
from vifi_cli.data.loading import read_own_splits
from vifi_cli.data.source import DataSource
from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.settings.settings import load_settings


@pytest.fixture
def request_(make_once: MakeOnce, tiny: Path, vifi_home: Path, tmp_path: Path) -> ImprovementRequest:
    """Asks to improve the concept that no color tells, in an index of the test's own."""
    lend_taught_home(make_taught_home(make_once, tiny), vifi_home)
    return ImprovementRequest(
        (HARD,),
        "finetune",
        most_lost=1,
        recipe=(*QUICK, "epochs=1", "runtime.workers=0"),
        output=tmp_path / "run",
        device="cpu",
    )


class StopsAt(Logged):
    """Ctrl-C at a note."""

    def __init__(self, words: str) -> None:
        self.words = words

    def note(self, message: str) -> None:
        if self.words in message:
            raise KeyboardInterrupt


def present_index() -> tuple[str, str]:
    with Catalog(paths.index_folder() / CATALOG_FILE) as catalog:
        return catalog.revision, catalog.indexed_with.vision_fingerprint


def test_a_model_that_is_not_better_leaves_the_index_as_it_is(request_: ImprovementRequest) -> None:
    before = present_index()
    careful = replace(request_, most_lost=0)
    assert careful.output
    # Ctrl-C while models are tried names the run, and the same request goes on with it
    with pytest.raises(Interrupted) as stop:
        run_improvement(careful, feedback=StopsAt("trying 0.75 of its weights"))
    assert stop.value.folder == careful.output / "run"
    trained = (stop.value.folder / "best").stat().st_mtime_ns
    outcome = run_improvement(careful, confirm=lambda _: pytest.fail("nothing is worth asking for"))
    assert not outcome.is_adopted
    assert outcome.decision.chosen is None
    assert present_index() == before
    folder = outcome.plan.folder
    table = read_own_splits(DataSource.parse(str(folder / "clips.csv")))
    assert (len(table.train), len(table.test)) == (8, 4)
    held_out = outcome.plan.marks.held_out
    tested = {moment.path for of_concept in held_out.moments for moment in of_concept}
    assert {video.path for video in table.test} == tested
    assert not tested & {video.path for video in table.train}
    for concept in held_out.concepts:
        learned_from = without_held_out(outcome.plan.marks.marked, concept, held_out.groups).marks
        assert len(learned_from) == 8
        assert not tested & {mark.path for mark in learned_from}
    report = write_improvement(outcome)
    assert (folder / "report" / "report.html").exists()
    assert [row.method.rpartition(", by ")[2] for row in report.table.rows[:2]] == ["words", "marks"]
    document = improvement_document(outcome)
    assert (document["adopted"], document["method"]) == (False, "finetune")
    # the tuned model forgets, so it is averaged with its start
    assert outcome.candidates[0].most_lost > 0
    assert [each["alpha"] for each in document["candidates"]] == [1, 0.75, 0.5, 0.25]
    assert document["candidates"][0]["by_marks"].keys() == {HARD}
    assert document["candidates"][3]["model"] == str(folder / "averaged-0.25")
    assert (folder / "run" / "best").stat().st_mtime_ns == trained
    # it goes on until the marks change
    with SearchSession(paths.index_folder(), AUTOMATIC) as session:
        session.concepts.unmark(HARD, session.concepts.get(HARD).marks[0])
    with pytest.raises(InvalidInput, match="the marks have changed since the run in"):
        run_improvement(request_)


def test_marks_that_find_everything_need_no_model(request_: ImprovementRequest) -> None:
    choices = {"device": "cpu", "output": request_.output, "method": "finetune"}
    outcome = vifi_cli.improve(*COLORS, **choices)  # type: ignore[arg-type]
    assert outcome.decision.reason.startswith("your index ranks all held-out marks correctly already")
    assert not outcome.plan.folder.exists()


def test_only_a_model_that_is_agreed_to_makes_the_index_again(
    request_: ImprovementRequest, make_once: MakeOnce
) -> None:
    other = make_once("other_tiny_clip", lambda folder: make_tiny_clip(folder, seed=1))
    before = present_index()
    with SearchSession(paths.index_folder(), AUTOMATIC) as session:
        plan = plan_improvement(session, request_, AUTOMATIC)
    # as if all marks had been held out, and the other model had ranked them as they should be
    held_out = held_out_by(plan.marks.marked, {moment.group for moment in plan.marks.marked.moments})
    right, old = held_out.is_right[0], (1.0,) * len(plan.examination.old.answers)
    present = Trial("present", plan.present, (1.0 * ~right,), (1.0 * ~right,), old)
    better = candidate(Trial("better", str(other), (1.0 * right,), (1.0 * right,), old), present, held_out)
    outcome = Improvement(plan, present, (better,), decide([better], held_out, 0.1))
    assert outcome.decision.chosen is better
    assert not conclude(outcome, lambda _: False, "cpu", AUTOMATIC).is_adopted
    assert present_index() == before
    assert conclude(outcome, lambda _: True, "cpu", AUTOMATIC).is_adopted
    with SearchSession(paths.index_folder(), AUTOMATIC) as session:
        assert session.index.catalog.indexed_with.model == str(other)
        assert session.learned(session.concepts.get("red")).form
    assert present_index()[1] != before[1]
    assert outcome.back == f"vifi index --rebuild --model {plan.present}"


def test_text_prompts_leave_the_index_valid(request_: ImprovementRequest) -> None:
    prompts = {"prompts": {"text_context": 2, "text_depth": 1}}
    request = replace(request_, method="text-prompts", recipe=(*request_.recipe, prompts))
    before = present_index()
    outcome = run_improvement(request)
    (tried,) = outcome.candidates
    assert tried.trial.model == str(outcome.plan.folder / "run" / "best")
    adopt_model(outcome.plan, tried.trial.model, "cpu", AUTOMATIC)
    assert load_settings().model == tried.trial.model
    assert present_index() == before
    assert outcome.back == "vifi config unset model"
    # improved again, the way back leads to the prompts of before
    with SearchSession(paths.index_folder(), AUTOMATIC) as session:
        plan = plan_improvement(session, request, AUTOMATIC)
    assert replace(outcome, plan=plan).back == f"vifi config set model {tried.trial.model}"


def test_a_plan_writes_nothing(request_: ImprovementRequest, tmp_path: Path) -> None:
    estimate = estimate_improvement(request_)
    (counts,) = estimate.plan.marks.counts
    assert (counts.right, counts.wrong, counts.held_out_right, counts.held_out_wrong) == (4, 4, 2, 2)
    assert estimate.seconds > 0
    assert estimate.rebuild_seconds >= 0
    assert not list(tmp_path.iterdir())


def test_too_few_marks_and_changes_that_spoil_the_test_are_refused(request_: ImprovementRequest) -> None:
    with SearchSession(paths.index_folder(), AUTOMATIC) as session:
        for mark in session.concepts.get("red").marks[:3]:
            session.concepts.unmark("red", mark)
        session.concepts.add("empty", "nothing")
    with pytest.raises(
        InvalidInput, match=r"not enough marks: @empty needs 3 more right marks to learn from"
    ):
        run_improvement(replace(request_, concepts=("empty",)))
    for change, reason in (
        ("select_on_test=true", "by the marks that test"),
        ("tune=linear-probe", "could use"),
    ):
        with pytest.raises(InvalidInput, match=f"^recipe: .*{reason}"):
            run_improvement(replace(request_, recipe=(change,)))
    with pytest.raises(InvalidInput, match=r"--max-loss 2 is not a share"):
        replace(request_, most_lost=2)
