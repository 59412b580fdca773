"""The methods that `vifi eval --train` puts side by side: how each is trained, and where its runs are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from vifi_cli.cli.evaluation.question import Question
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.feedback import ON_TERMINAL
from vifi_cli.cli.training.options import INTERRUPTED
from vifi_cli.errors import InvalidInput

if TYPE_CHECKING:
    from vifi_cli.api.training.request import TrainingRequest
    from vifi_cli.data.labeled_videos import LabeledVideos
    from vifi_cli.data.source import DataSource
    from vifi_cli.evaluation.testing.paper_settings import Trial
    from vifi_cli.training.engine.distributed import Processes
    from vifi_cli.training.recipe.changes import Change
    from vifi_cli.training.recipe.recipe import Tune

ZERO_SHOT_SOURCE = "k400"


@dataclass(frozen=True, slots=True)
class Method:
    """A way to make a model fit for videos.

    Attributes:
        title: in the table.
        tune: the towers that are trained; None where none is.
        fusion: where the frames of a clip are joined.
        prompts: whether prompts are learned at last, the towers left as they are.
    """

    title: str
    tune: Tune | None = None
    fusion: Literal["embedding", "decision", "image"] | None = None
    prompts: bool = False


METHODS: Mapping[str, Method] = {
    "vanilla": Method("vanilla CLIP"),
    "image-ft": Method("CLIP image-FT", "image"),
    "text-ft": Method("CLIP text-FT", "text"),
    "vifi": Method("ViFi-CLIP", "both"),
    "bridge-prompt": Method("bridge and prompt", "both", prompts=True),
    "prompt": Method("prompts alone", prompts=True),
    "fusion-decision": Method("ViFi-CLIP, decision fusion", "both", "decision"),
    "fusion-image": Method("ViFi-CLIP, image fusion", "both", "image"),
}
DEFAULT_METHODS = ("vanilla", "image-ft", "text-ft", "vifi", "bridge-prompt")


@dataclass(frozen=True, slots=True)
class Run:
    """A training run.

    Attributes:
        title: the method and the trial, in words.
        request: for it.
    """

    title: str
    request: TrainingRequest


@dataclass(frozen=True, slots=True)
class MethodRuns:
    """Trains the methods of an evaluation.

    Attributes:
        question: what is evaluated.
        folder: where runs are kept, each in a folder of its own.
    """

    question: Question
    folder: Path

    def planned(self, methods: Sequence[str], trials: Sequence[Trial]) -> dict[str, Run]:
        """All runs by the name of their folder, in the order in which they are trained; what two methods need once."""
        runs: dict[str, Run] = {}
        for trial in trials:
            for name in methods:
                runs |= self._runs_of(name, trial)
        return runs

    def model_of(self, name: str, trial: Trial) -> str:
        """The model that a method comes to in a trial."""
        method = METHODS[name]
        is_trained = method.tune or method.prompts
        return str(self.folder / _folder_name(name, trial) / "best") if is_trained else self._start

    def _runs_of(self, name: str, trial: Trial) -> dict[str, Run]:
        method = METHODS[name]
        if method.prompts:
            before = "vifi" if method.tune else "vanilla"
            return self._runs_of(before, trial) | {
                _folder_name(name, trial): self._prompting(name, before, trial)
            }
        if method.tune is None:
            return {}
        request = self._request(name, trial)
        return {_folder_name(name, trial): Run(_title(method.title, trial), request)}

    def _prompting(self, name: str, before: str, trial: Trial) -> Run:
        request = replace(
            self._request(name, trial),
            method="prompt",
            tune=None,
            model=self.model_of(before, trial),
            recipe=self._changes("prompt", trial),
        )
        return Run(_title(METHODS[name].title, trial), request)

    def _request(self, name: str, trial: Trial) -> TrainingRequest:
        from vifi_cli.api.training.request import TrainingRequest
        from vifi_cli.data.setting import Setting

        question, method = self.question, METHODS[name]
        return TrainingRequest(
            data=self.training_data(trial),
            setting=Setting("few-shot", trial.shots) if trial.shots else question.setting,
            model=self._start,
            tune=method.tune,
            fusion=method.fusion,
            protocol=question.protocol,
            recipe=self._changes("finetune", trial),
            output=self.folder / _folder_name(name, trial),
        )

    def _changes(self, stage: Literal["finetune", "prompt"], trial: Trial) -> tuple[Change, ...]:
        from vifi_cli.training.recipe.changes import changes_of_stage

        changes = changes_of_stage(self.question.changes, stage)
        # the seed decides which videos are held out, so both stages have the same
        return (*changes, f"seed={self._seed(trial)}")

    def _seed(self, trial: Trial) -> int:
        return self.question.seed if trial.seed is None else trial.seed

    def training_data(self, trial: Trial) -> DataSource:
        """What is learned from: the data itself, and Kinetics-400 in the zero-shot setting, as in the paper."""
        if self.question.setting.name == "zero-shot":
            return replace(self.question.data, name=ZERO_SHOT_SOURCE, split=None, labels=None)
        return replace(self.question.data, split=trial.split)

    def training_videos(self, trial: Trial) -> LabeledVideos:
        """The videos that are learned from in a trial."""
        from vifi_cli.api.training.data import find_data

        request = self._request("vifi", trial)
        return find_data(request.data, request.setting, self._seed(trial), protocol=request.protocol)

    @property
    def _start(self) -> str:
        return self.question.models[0]


def check_methods(names: Sequence[str], *, trains: bool, models: Sequence[str]) -> tuple[str, ...]:
    """The methods to compare.

    Raises:
        InvalidInput: a name is none, or methods, models and training do not go together.
    """
    if unknown := next((name for name in names if name not in METHODS), None):
        raise InvalidInput(f"there is no method {unknown!r}: the methods are {', '.join(METHODS)}")
    if names and not trains:
        raise InvalidInput(f"{names[0]} is a method to be trained: add --train, or name models with --model")
    if not trains:
        return ()
    if len(models) > 1:
        raise InvalidInput("with --train, --model names the one model that training starts from")
    return tuple(dict.fromkeys(names)) or DEFAULT_METHODS


def check_recipes(runs: Mapping[str, Run], start: str) -> None:
    """See to it that a mistake in the last run is told of before the first one is carried out.

    Args:
        runs: that are planned.
        start: the model that all of them start from; fine-tuning changes its weights, and not its layers.

    Raises:
        InvalidInput: a recipe makes no sense, or its prompts do not fit the model.
    """
    from vifi_cli.api.training.request import prompt_recipe_of, recipe_of

    for request in (run.request for run in runs.values()):
        if request.method == "prompt":
            prompt_recipe_of(request, start)
        else:
            recipe_of(request)


def train_all(runs: Mapping[str, Run], processes: Processes) -> None:
    """Carry out what is not finished yet.

    Raises:
        InvalidInput: a folder holds a run of something else.
        typer.Exit: with code 130, where Ctrl-C was pressed; the same command goes on.
    """
    from vifi_cli.api.training.run import Interrupted, train_model

    for number, run in enumerate(runs.values(), 1):
        if processes.is_first:
            output.note(f"run {number} of {len(runs)}: {run.title} ({run.request.output})")
        try:
            train_model(run.request, processes, ON_TERMINAL)
        except Interrupted as interruption:
            if processes.is_first:
                output.note("interrupted and saved: the same command goes on from here")
            raise typer.Exit(INTERRUPTED) from interruption


def trials_with_videos(
    trials: Sequence[Trial], method_runs: MethodRuns
) -> tuple[tuple[Trial, ...], tuple[LabeledVideos, ...]]:
    """The trials with their training videos, without those that would learn from the very videos of one before."""
    kept: dict[frozenset[Path], tuple[Trial, LabeledVideos]] = {}
    for trial in trials:
        videos = method_runs.training_videos(trial)
        files = frozenset(video.path for video in videos.train)
        if trial.shots:
            _tell_of_shots(trial.shots, videos, is_new=files not in kept)
            kept.setdefault(files, (trial, videos))
        else:
            kept[files | {Path(trial.name)}] = (trial, videos)
    return tuple(trial for trial, _ in kept.values()), tuple(videos for _, videos in kept.values())


def _tell_of_shots(shots: int, videos: LabeledVideos, *, is_new: bool) -> None:
    from vifi_cli.api.feedback import is_first_process
    from vifi_cli.data.labeled_videos import class_counts

    if not is_first_process():
        return
    counts = class_counts(videos.train, len(videos.class_names))
    if not is_new:
        output.note(f"{shots} shots are left out: no class has more than {max(counts)} videos to learn from")
    elif short := sum(count < shots for count in counts):
        said = output.counted(short, "class has", "classes have")
        output.note(f"{said} fewer than {shots} videos to learn from: all of them are taken")


def _folder_name(name: str, trial: Trial) -> str:
    return f"{name}-{trial.name}" if trial.name else name


def _title(title: str, trial: Trial) -> str:
    return f"{title}, {trial.in_words}" if trial.name else title
