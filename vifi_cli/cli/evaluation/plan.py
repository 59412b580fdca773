"""What an evaluation tests: the lists of each trial, found and told of; leaks refused, or marked where allowed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vifi_cli.cli.evaluation.learned import Learned, find_leak, learned_from
from vifi_cli.cli.evaluation.methods import MethodRuns, trials_with_videos
from vifi_cli.cli.evaluation.question import Question, find_list, trials_of
from vifi_cli.cli.terminal import output
from vifi_cli.errors import InvalidInput

if TYPE_CHECKING:
    from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
    from vifi_cli.evaluation.testing.paper_settings import Trial


@dataclass(frozen=True, slots=True)
class TestPlan:
    """What is tested.

    Attributes:
        question: what was asked.
        trials: of each method.
        lists: of each trial, its lists in order, the videos in `test`.
        training: of each trial, the videos that are learned from; empty where nothing is trained.
        learned: what each of the question's models was trained on before.
        leaks: in words, those that were allowed, by the model that has them; of training by "".
    """

    question: Question
    trials: tuple[Trial, ...]
    lists: tuple[tuple[LabeledVideos, ...], ...]
    training: tuple[LabeledVideos, ...]
    learned: Mapping[str, Learned]
    leaks: Mapping[str, str]

    def part(self, trial: int, place: int) -> str:
        """The name of a list among all; empty where there is one only."""
        trials, lists = self.trials, self.trials[trial].lists
        if len(trials) == len(lists) == 1:
            return ""
        names = [lists[place].name] if len(lists) > 1 else []
        return ", ".join([*names, *([trials[trial].in_words] if trials[trial].name else [])])


def prepare(question: Question, method_runs: MethodRuns | None, *, allow_leak: bool) -> TestPlan:
    """Find the lists, and see to it that no model has learned from them.

    Raises:
        InvalidInput: a list cannot be had, or a model has learned from one and that is not allowed.
    """
    from vifi_cli.api.feedback import is_first_process

    trials = trials_of(question, trains=method_runs is not None)
    training: tuple[LabeledVideos, ...] = ()
    if method_runs:
        trials, training = trials_with_videos(trials, method_runs)
    lists = tuple(tuple(find_list(question, trial, wanted) for wanted in trial.lists) for trial in trials)
    if is_first_process():
        _tell(question, [videos for several in lists for videos in several])
    learned = {model: learned_from(model, question.data.name) for model in question.models}
    plan = TestPlan(question, trials, lists, training, learned, {})
    leaks = dict(_leaks(plan))
    if leaks and not allow_leak:
        raise InvalidInput(
            f"{next(iter(leaks.values()))}; --allow-leak tests all the same and marks the report"
        )
    return TestPlan(question, trials, lists, training, learned, leaks)


def _tell(question: Question, every: list[LabeledVideos]) -> None:
    for remark in dict.fromkeys(remark for videos in every for remark in videos.remarks):
        if "training" not in remark:  # what is learned from is told of by the runs
            output.note(remark)
    missing = dict.fromkeys(file for videos in every for file in videos.missing)
    if missing:
        said = output.counted(len(missing), "listed video")
        output.warning(f"{said} not on disk, such as {next(iter(missing))}; `vifi data check` lists them")
    if question.setting.name == "zero-shot" and not question.data.is_public_set:
        output.note("this data has no official splits: all its test videos are one list")


def _leaks(plan: TestPlan) -> Iterator[tuple[str, str]]:
    """Each model that gives tests away, and how."""
    from vifi_cli.api.feedback import is_first_process

    by_name = plan.question.data.is_public_set
    tests = tuple(dict.fromkeys(video for lists in plan.lists for videos in lists for video in videos.test))
    novel = novel_classes(plan)
    for model, learned in plan.learned.items():
        if leak := find_leak(model, learned, tests, novel, by_name=by_name):
            yield model, leak
        elif learned.gap and is_first_process():
            output.note(f"what {model} learned from is not fully known ({learned.gap}): leaks may go unseen")
    for train, lists in zip(plan.training, plan.lists, strict=bool(plan.training)):
        own = Learned("", train.train, train.class_names)
        videos: tuple[LabeledVideo, ...] = tuple(video for tested in lists for video in tested.test)
        if leak := find_leak("these lists", own, videos, novel, by_name=by_name):
            yield "", leak
            return


def novel_classes(plan: TestPlan) -> tuple[str, ...]:
    """The classes that must not have been learned, of the base-to-novel setting; none in the others."""
    if plan.question.setting.name != "base2novel":
        return ()
    return plan.lists[0][1].class_names
