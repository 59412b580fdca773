"""What an evaluation tests: the lists of each trial, and which models were trained on their videos."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from vifi_cli.api.evaluation.leaks.leaks import TrainedOn, find_leak, trained_on
from vifi_cli.api.evaluation.methods.runs import MethodRuns
from vifi_cli.api.evaluation.request import Subject
from vifi_cli.api.feedback import Feedback
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, require_usable
from vifi_cli.data.loading import read_labeled_videos
from vifi_cli.data.splits.holding_out import how_to_hold_out
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.testing.paper_settings import TestList, Trial, plan_trials
from vifi_cli.model.registry.source import ModelSource
from vifi_cli.wording import counted


@dataclass(frozen=True, slots=True)
class TestPlan:
    """What is tested: for each trial its lists, all videos in `test`, and its training videos if anything is trained.

    `trained_on` says what each of the subject's models was trained on before. `leaks` has the allowed leaks in words,
    by model; a leak of training by "".
    """

    subject: Subject
    trials: tuple[Trial, ...]
    lists: tuple[tuple[LabeledVideos, ...], ...]
    training: tuple[LabeledVideos, ...]
    trained_on: Mapping[str, TrainedOn]
    leaks: Mapping[str, str]

    @property
    def bases(self) -> list[str]:
        """The models that the subject's models were trained from, other than themselves."""
        names = [model.name for model in self.subject.models]
        bases = dict.fromkeys(self.trained_on[name].base for name in names)
        return [base for base in bases if base not in names]

    def part(self, trial: int, place: int) -> str:
        """The name of a list among all lists; empty if it is the only one."""
        trials, lists = self.trials, self.trials[trial].lists
        if len(trials) == len(lists) == 1:
            return ""
        names = [name] if (name := self.list_name(place)) else []
        return ", ".join([*names, *([trials[trial].in_words] if trials[trial].name else [])])

    def list_name(self, place: int) -> str:
        """The name of a list among those of its trial, such as `novel`; empty if it is the only one."""
        lists = self.trials[0].lists
        return lists[place].name if len(lists) > 1 else ""

    @property
    def novel_classes(self) -> tuple[str, ...]:
        """The classes that models must not have learned, in the base-to-novel setting; otherwise none."""
        return self.lists[0][1].class_names if self.subject.setting.name == "base2novel" else ()

    @property
    def shares_one_training_list(self) -> bool:
        """Whether trials that differ in their seeds alone have the same training videos, in another order."""
        lists: dict[int | None, list[frozenset[object]]] = {}
        for trial, videos in zip(self.trials, self.training, strict=False):
            lists.setdefault(trial.shots, []).append(frozenset(video.key for video in videos.train))
        return any(len(each) > 1 for each in lists.values()) and all(
            len(set(each)) == 1 for each in lists.values()
        )

    def tests_of(self, models: Sequence[ModelSource], trial: int) -> tuple[tuple[object, ...], ...]:
        """What makes the tests of a trial what they are, for the model of each trial: model and list."""
        return tuple((models[trial], videos.class_names, videos.test) for videos in self.lists[trial])

    def repeats(self, models: Sequence[ModelSource], place: int) -> bool:
        """Whether all trials test one model on the same list at this place, such as the novel classes."""
        return len({self.tests_of(models, trial)[place] for trial in range(len(self.trials))}) == 1


def plan_tests(
    subject: Subject,
    runs: MethodRuns | None,
    feedback: Feedback,
    *,
    allow_leak: bool,
    advise: Callable[["TestPlan", str], str] = lambda plan, model: "",
) -> TestPlan:
    """Finds the lists and checks that no model was trained on them; `runs` train models before the test.

    `advise` says what to run instead of a test with a leak, of a model or of training ("").

    Raises:
        InvalidInput: a list is not available, or there is a leak that is not allowed.
    """
    trials = plan_trials(subject.setting, subject.data, trains=runs is not None, seeds=subject.seeds)
    training: tuple[LabeledVideos, ...] = ()
    if runs:
        trials, training = runs.trials_with_videos(trials, feedback)
    lists = tuple(tuple(find_list(subject, trial, wanted) for wanted in trial.lists) for trial in trials)
    _report_lists(subject, [videos for several in lists for videos in several], feedback)
    before = {model.name: trained_on(model.name, subject.data.name) for model in subject.models}
    plan = TestPlan(subject, trials, lists, training, before, {})
    leaks = dict(_leaks(plan, feedback))
    if leaks and not allow_leak:
        model, leak = next(iter(leaks.items()))
        advice = [advised] if (advised := advise(plan, model)) else []
        raise InvalidInput("; ".join((leak, *advice, "--allow-leak goes on and marks the result")))
    return replace(plan, leaks=leaks)


def find_list(subject: Subject, trial: Trial, wanted: TestList) -> LabeledVideos:
    """The videos of a list, all of them in `test`.

    Raises:
        InvalidInput: the list does not exist, or cannot be tested.
    """
    source = replace(subject.data, split=wanted.split)
    videos = read_labeled_videos(source, wanted.setting, seed=subject.seed_of(trial))
    if wanted.name in ("base", "novel") and videos.missing and not videos.all_videos():
        raise InvalidInput(
            f"no video of the {wanted.name} classes of {videos.name} is on disk, such as {videos.missing[0]}, and "
            "base2novel tests base and novel classes: add some, or test those you have with --setting supervised "
            "--classes present"
        )
    if wanted.name in ("base", "novel") and len(videos.class_names) < 2:
        raise InvalidInput(
            f"{videos.name} has too few classes for base2novel: it needs two to learn and two others to test"
        )
    tests = videos.test or videos.val
    if not tests and videos.train:
        raise InvalidInput(f"{videos.name} has no test video: {how_to_hold_out(videos)}")
    tested = replace(videos, train=(), val=(), test=tests)
    require_usable(tested)
    return tested


def _report_lists(subject: Subject, lists: list[LabeledVideos], feedback: Feedback) -> None:
    for remark in dict.fromkeys(remark for videos in lists for remark in videos.remarks):
        if "training" not in remark:  # the runs of training report theirs
            feedback.note(remark)
    missing = dict.fromkeys(file for videos in lists for file in videos.missing)
    if missing:
        feedback.warn(
            f"{counted(len(missing), 'listed video')} not on disk, such as {next(iter(missing))}; "
            "`vifi data check` lists them"
        )


def _leaks(plan: TestPlan, feedback: Feedback) -> Iterator[tuple[str, str]]:
    """Each model that gives tests away, and how."""
    by_name = plan.subject.data.is_public_set
    tests = tuple(dict.fromkeys(video for lists in plan.lists for videos in lists for video in videos.test))
    novel = plan.novel_classes
    for model, before in plan.trained_on.items():
        if leak := find_leak(model, before, tests, novel, by_name=by_name):
            yield model, leak
        elif before.gap:
            feedback.note(
                f"what {model} was trained on is not fully known ({before.gap}): leaks may be missed"
            )
    for train, lists in zip(plan.training, plan.lists, strict=bool(plan.training)):
        own = TrainedOn("", train.train, train.class_names)
        videos: tuple[LabeledVideo, ...] = tuple(video for tested in lists for video in tested.test)
        if leak := find_leak("these lists", own, videos, novel, by_name=by_name):
            yield "", leak
            return
