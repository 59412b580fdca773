"""The runs of training in an evaluation: what each method needs, and where its runs are kept."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from vifi_cli.api.evaluation.methods.method import Method, find_method, trained_method
from vifi_cli.api.evaluation.methods.run_times import RunTimes
from vifi_cli.api.evaluation.request import Subject, training_source
from vifi_cli.api.feedback import Feedback
from vifi_cli.api.training.prepare import find_data
from vifi_cli.api.training.request import TrainingRequest, prompt_recipe_of, recipe_of
from vifi_cli.api.training.run import train_model
from vifi_cli.data.labeled_videos import LabeledVideos, class_counts
from vifi_cli.data.paper_setting import Setting
from vifi_cli.evaluation.report.table import TrainTime
from vifi_cli.evaluation.testing.paper_settings import Trial
from vifi_cli.model.registry.card import HEADS
from vifi_cli.model.registry.class_texts import ClassTexts
from vifi_cli.paths import slug
from vifi_cli.training.engine.processes.distributed import Processes
from vifi_cli.training.recipe.changes import Change, changes_of_lora, changes_of_stage, without_lora
from vifi_cli.training.run.model import check_start
from vifi_cli.wording import counted


@dataclass(frozen=True, slots=True)
class Run:
    """A training run; `title` names method and trial."""

    title: str
    request: TrainingRequest


@dataclass(frozen=True, slots=True)
class MethodRuns:
    """The runs of the methods of a subject; `folder` contains a folder per run."""

    subject: Subject
    folder: Path

    def needed(self, trials: Sequence[Trial]) -> dict[Path, Run]:
        """The runs by their folders: one that two methods need is there once.

        Raises:
            InvalidInput: a recipe makes no sense, or what it learns does not fit the model.
        """
        runs: dict[str, Run] = {}
        for trial in trials:
            for name in self.subject.methods:
                for texts in self.texts_of(name):
                    runs |= self._runs_of(name, trial, texts)
        for run in runs.values():
            if run.request.method == "prompt":
                prompt_recipe_of(run.request, self._start)
            else:
                recipe = recipe_of(run.request)
                learns_changes = recipe.tune in HEADS or bool(recipe.lora.rank)
                check_start(self.subject.models[0], of_changes=learns_changes)
        return {self.folder / name: run for name, run in runs.items()}

    def texts_of(self, name: str) -> tuple[ClassTexts | None, ...]:
        """The class texts that a method learns from, each in a run of its own; None for the recipe's template."""
        return (
            (None, self.subject.texts) if self.subject.texts and find_method(name).trains_weights else (None,)
        )

    def model_of(self, name: str, trial: Trial, texts: ClassTexts | None = None) -> str:
        """The model whose weights a method has trained in a trial, learning from `texts`; else the start."""
        method = find_method(name)
        is_trained = method.tune or method.prompts
        return str(self.folder / _folder_name(name, trial, texts) / "best") if is_trained else self._start

    def train_time(self, name: str, trials: Sequence[Trial], texts: ClassTexts | None = None) -> TrainTime:
        """The time of all runs that a method needs, those that it starts from included; no time if one is unknown."""
        runs = dict.fromkeys(run for trial in trials for run in self._runs_of(name, trial, texts))
        return RunTimes(self.folder).of_runs(tuple(runs))

    def trials_with_videos(
        self, trials: Sequence[Trial], feedback: Feedback
    ) -> tuple[tuple[Trial, ...], tuple[LabeledVideos, ...]]:
        """The trials with their training videos; a trial with the same videos as an earlier one is skipped."""
        kept: dict[frozenset[object], tuple[Trial, LabeledVideos]] = {}
        for trial in trials:
            videos = self._training_videos(trial)
            files: frozenset[object] = frozenset((trial.seed, *(video.key for video in videos.train)))
            if trial.shots:
                _report_shots(trial.shots, videos, feedback, is_new=files not in kept)
            kept.setdefault(files, (trial, videos))
        return tuple(trial for trial, _ in kept.values()), tuple(videos for _, videos in kept.values())

    def _runs_of(self, name: str, trial: Trial, texts: ClassTexts | None = None) -> dict[str, Run]:
        """The run of a method, after the run that its prompts start from."""
        name = trained_method(name)
        method, request, before = find_method(name), self._request(name, trial, texts), {}
        if not method.tune and not method.prompts:
            return {}
        if method.prompts:
            first = "vifi" if method.tune else "vanilla"
            before = self._runs_of(first, trial)
            request = replace(
                request,
                method="prompt",
                tune=None,
                model=self.model_of(first, trial),
                recipe=self._changes("prompt", trial),
            )
        title = titled(method, texts)
        title = f"{title}, {trial.in_words}" if trial.name else title
        return before | {_folder_name(name, trial, texts): Run(title, request)}

    def _request(self, name: str, trial: Trial, texts: ClassTexts | None = None) -> TrainingRequest:
        subject, method = self.subject, find_method(name)
        return TrainingRequest(
            data=training_source(replace(subject.data, split=trial.split), subject.setting),
            setting=Setting("few-shot", trial.shots) if trial.shots else subject.setting,
            model=self._start,
            tune=method.tune,
            fusion=method.fusion,
            protocol=subject.protocol,
            recipe=self._lora_changes(method.preset, trial)
            if method.preset
            else self._changes("finetune", trial),
            texts=texts,
            output=self.folder / _folder_name(name, trial, texts),
        )

    def _lora_changes(self, preset: str, trial: Trial) -> tuple[Change, ...]:
        """With as many frames as the methods beside it, unless the user says otherwise."""
        frames = recipe_of(self._request("vifi", trial)).frames
        changes = changes_of_lora(self.subject.changes)
        return (preset, {"frames": frames}, *changes, f"seed={self.subject.seed_of(trial)}")

    def _changes(self, stage: Literal["finetune", "prompt"], trial: Trial) -> tuple[Change, ...]:
        changes = without_lora(changes_of_stage(self.subject.changes, stage))
        # the seed decides which videos are held out, so both stages have the same
        return (*changes, f"seed={self.subject.seed_of(trial)}")

    def _training_videos(self, trial: Trial) -> LabeledVideos:
        request = self._request("vifi", trial)
        seed = self.subject.seed_of(trial)
        return find_data(request.data, request.setting, seed, protocol=request.protocol)

    @property
    def _start(self) -> str:
        return self.subject.models[0].name


def train_runs(runs: Sequence[Run], processes: Processes, feedback: Feedback) -> None:
    """Trains what is not finished yet.

    Raises:
        InvalidInput: a folder contains a different run.
        Interrupted: Ctrl-C was pressed; the same evaluation goes on.
    """
    for number, run in enumerate(runs, 1):
        feedback.note(f"run {number} of {len(runs)}: {run.title} ({run.request.output})")
        with _measured(run, processes):
            train_model(run.request, processes, feedback)


def _measured(run: Run, processes: Processes) -> AbstractContextManager[None]:
    folder = run.request.output
    if folder is None or not processes.is_first:
        return nullcontext()
    folder = Path(folder)
    return RunTimes(folder.parent).measured(folder.name, f"{processes.count} x {processes.device}")


def _report_shots(shots: int, videos: LabeledVideos, feedback: Feedback, *, is_new: bool) -> None:
    counts = class_counts(videos.train, len(videos.class_names))
    if not is_new:
        feedback.note(f"{shots} shots are skipped: no class has more than {max(counts)} training videos")
    elif short := sum(count < shots for count in counts):
        classes = counted(short, "class has", "classes have")
        feedback.note(f"{classes} fewer than {shots} training videos: all of them are used")


def titled(method: Method, texts: ClassTexts | None) -> str:
    """The name of a method for people, with the texts that it learns from or is tested by."""
    return f"{method.title} + {texts.name}" if texts else method.title


def _folder_name(name: str, trial: Trial, texts: ClassTexts | None = None) -> str:
    named = trained_method(name) + (f"+{slug(Path(texts.name).stem)}" if texts else "")
    return f"{named}-{trial.name}" if trial.name else named
