"""A training run from beginning to end: model, clips, steps, validation and saving."""

import time
from collections.abc import Generator, Iterator
from dataclasses import asdict, replace
from typing import TypeVar

import torch

from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
from vifi_cli.errors import TrainingDiverged, VideoOutOfReach
from vifi_cli.evaluation.testing.frame_features import kept_features, reuse_in_words
from vifi_cli.evaluation.testing.predicting import ClipInput, TestClips
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.loading import load_vifi_clip
from vifi_cli.model.storage.writing import write_model_folder
from vifi_cli.model.towers.vifi_clip import ViFiCLIP
from vifi_cli.training.batches.epoch_plan import DrawnGroup, plan_run
from vifi_cli.training.batches.loading import BadVideos, ClipGroup, TrainingClips, load_groups
from vifi_cli.training.engine.frozen_towers import VideoEmbeddings
from vifi_cli.training.engine.learner import Learner
from vifi_cli.training.engine.loop import BatchMaking, take_steps
from vifi_cli.training.engine.precision import choose_precision
from vifi_cli.training.engine.processes.distributed import Processes
from vifi_cli.training.engine.resources import (
    find_micro_batch,
    make_repeatable,
    open_clip_store,
    reading_workers,
)
from vifi_cli.training.engine.step_report import StepReport
from vifi_cli.training.run.folder import RunConfig, RunFolder
from vifi_cli.training.run.interruptions import memory_is_full, with_kept_model, with_next_step
from vifi_cli.training.run.listener import Listener
from vifi_cli.training.run.loggers.run_logs import RunLogs, require_loggers
from vifi_cli.training.run.model import check_base, keeps_index, load_training_model, load_untrained
from vifi_cli.training.run.reports import EpochReport, RunLength, RunResult, Scores, card_of_epoch
from vifi_cli.training.run.size import RunSize, length_of
from vifi_cli.training.run.state import RunProgress, restore_training_state, save_training_state
from vifi_cli.training.run.validation import Validation

Report = StepReport | EpochReport | RunResult
Noted = TypeVar("Noted", StepReport, EpochReport)
DRAWING_SECONDS = 60.0  # between two pictures of the curves, at least


class FineTuning:
    """A run, put together and ready to go."""

    def __init__(
        self,
        folder: RunFolder,
        config: RunConfig,
        data: LabeledVideos,
        processes: Processes,
        listener: Listener,
    ) -> None:
        """Load the model and prepare everything else; the configuration is in the folder already."""
        self._folder, self._config, self._data = folder, config, data
        self._processes, self._listener = processes, listener
        recipe = config.recipe
        make_repeatable(recipe.seed, processes.device)
        network, texts, self._card = load_training_model(config, data, processes.device, listener.say)
        self._size = self._card.preprocessing.geometry.height
        precision = choose_precision(recipe.runtime.precision, processes.device)
        self._enter = ClipInput(self._card.preprocessing, processes.device, precision)
        self._learner = Learner(network, texts, recipe, processes, precision)
        self._plan = plan_run(recipe, len(data.train), [video.label for video in data.train])
        self._micro_batch = find_micro_batch(
            self._learner, recipe, self._plan.effective_batch, self._size, len(data.class_names)
        )
        self._clips = TestClips(
            data.train,
            open_clip_store(self._size, recipe),
            recipe.frames,
            self._size,
            batch=self._micro_batch,
            workers=reading_workers(recipe, processes),
        )
        if recipe.tune == "text":  # the image tower stays as it is
            known = kept_features(network, self._card, self._enter.preprocessing, self._enter.arithmetic)
            self._clips = replace(self._clips, features=known)
        self._validation = Validation(data, self._clips, recipe, self._enter, processes, listener.scoring)
        if recipe.patience and not self._validation.may_choose():
            listener.say("patience is ignored: there are no validation videos to choose an epoch by")
        self._bad = BadVideos(data.train, listener.say)
        self.takes_steps = False  # now, so that there may be something to save
        self._is_stopping = False
        self._logs = RunLogs(folder, self._plan.steps_per_epoch, listener.say)
        if processes.is_first:
            require_loggers(recipe.runtime.log)

    def reports(self, *, is_resumed: bool = False) -> Iterator[Report]:
        """Carry the run out, and report each step, each epoch and the result.

        The run is saved after each epoch, every `save_minutes`, and when it is stopped; then no `RunResult` comes.
        With `is_resumed` it continues from the saved state in the folder.

        Raises:
            TrainingDiverged: the loss is not finite.
            InvalidInput: too many videos cannot be read, nothing was saved, or the disk is full.
            VideoOutOfReach: the disk with the videos has vanished; what was done is saved.
        """
        result: RunResult | None = None
        try:
            for report in self._reports(is_resumed=is_resumed):
                result = report if isinstance(report, RunResult) else None
                yield report
        except (VideoOutOfReach, OSError) as error:
            raise with_next_step(error, self._folder) from error
        finally:
            self._logs.finish(result)

    def _reports(self, *, is_resumed: bool) -> Iterator[Report]:
        progress = RunProgress()
        if is_resumed:
            saved = (self._folder.last, self._folder.best)
            self._processes.from_first(lambda: check_base(saved, self._card.base))
            progress = restore_training_state(self._folder.state, self._learner)
        if self._processes.is_first:
            self._logs.begin(self._config, self._data, asdict(self.size))
            self._folder.forget_after(progress.step if is_resumed else -1, self._plan.steps_per_epoch)
        if not is_resumed:
            before = EpochReport(0, None, self._score_before(), is_best=False)
            self.takes_steps = True  # whoever sees this report may count on a step
            yield self._noted(before)
        if not self._is_over(progress):
            self.takes_steps = True
            progress = yield from self._epochs(progress)
            self.takes_steps = False
        elif self._processes.is_first:
            self._folder.draw()  # killed between the last state and the last curves
        if self._is_over(progress) and not self._is_stopping:
            yield self._result(progress)

    def _is_over(self, progress: RunProgress) -> bool:
        """Whether all steps are taken, or patience ended the run after the last complete epoch."""
        epoch, rest = divmod(progress.step, self._plan.steps_per_epoch)
        ends_early = not rest and self._validation.ends_early(progress, epoch)
        return ends_early or progress.step == self._plan.total_steps

    @property
    def length(self) -> RunLength:
        """How much it has to do."""
        return length_of(self._config.recipe, self._data, self._plan, self._processes.count)

    @property
    def size(self) -> RunSize:
        """How much it does, and with what."""
        recipe, plan, processes = self._config.recipe, self._plan, self._processes
        return RunSize(
            parameters=sum(parameter.numel() for parameter in self._learner.tuned.values()),
            videos=plan.videos,
            classes=len(self._card.class_names),
            frames=recipe.frames,
            epochs=recipe.epochs,
            steps_per_epoch=plan.steps_per_epoch,
            clips_per_step=min(plan.effective_batch, plan.videos),
            micro_batch=self._micro_batch,
            processes=processes.count,
            device=str(processes.device),
        )

    def unreadable(self) -> list[tuple[LabeledVideo, str]]:
        """The training videos that could not be read, each with the reason."""
        return self._bad.listed()

    def _score_before(self) -> Scores | None:
        """Score the model that the run starts from, as a test of it would, with texts of its own."""
        if not (self._data.val or self._data.test):
            return None
        config, device = self._config, self._processes.device
        as_published, names = config.protocol == "paper", self._data.class_names
        start, classes = load_untrained(config.model, names, device, as_published=as_published)
        validation = self._validation
        if start.fusion != self._learner.network.fusion:  # its embeddings of videos are others
            validation = replace(validation, clips=replace(self._clips, features=None), _embedded={})
        return validation.score(start, classes)

    def _epochs(self, progress: RunProgress) -> Generator[Report, None, RunProgress]:
        saved = drawn = time.monotonic()
        steps = self._steps(progress.step)
        while (report := self._next_step(steps, progress)) is not None:
            self._bad.note(report.bad)
            progress = replace(progress, step=progress.step + 1, epoch_loss=progress.epoch_loss + report.loss)
            yield self._noted(report)
            if report.step + 1 == report.steps_per_epoch:
                ended, progress = self._end_epoch(progress)
                yield self._noted(ended)
            minutes = (time.monotonic() - saved) / 60
            is_due = minutes > self._config.recipe.runtime.save_minutes and self._processes.is_first
            must_stop, must_save = self._processes.total(self._listener.should_stop(), is_due)
            if must_stop or must_save or report.step + 1 == report.steps_per_epoch:
                self._save(progress)
                saved = time.monotonic()
                if must_stop or drawn + DRAWING_SECONDS < saved or self._is_over(progress):
                    drawn = saved
                    if self._processes.is_first:
                        self._folder.draw()
            self._is_stopping = bool(must_stop)
            if must_stop or self._is_over(progress):
                break
        return progress

    def _next_step(self, steps: Iterator[StepReport], progress: RunProgress) -> StepReport | None:
        """Takes a step; saves the run if the disk with its videos has vanished."""
        try:
            return next(steps, None)
        except VideoOutOfReach:
            if self._processes.count == 1 and progress.step:  # other processes wait in the middle of a step
                self._save(progress)
            raise

    def _steps(self, first: int) -> Iterator[StepReport]:
        recipe = self._config.recipe
        drawn = (
            group
            for step in self._plan.steps(first, self._processes.rank, self._processes.count)
            for group in step.groups
        )
        # embeddings take almost no memory
        at_once = recipe.effective_batch if recipe.embeds_clips_once() else self._micro_batch
        making = BatchMaking(recipe, len(self._data.class_names), at_once, self._enter)
        groups, has_learned = self._groups(drawn), first > 0
        try:
            for report in take_steps(self._learner, self._plan, making, self._data.train, groups, first):
                has_learned = True
                yield report
        except TrainingDiverged as error:
            raise with_kept_model(error, self._folder, has_learned=has_learned) from error
        except torch.OutOfMemoryError as error:
            raise memory_is_full(self._folder, self._micro_batch) from error

    def _groups(self, drawn: Iterator[DrawnGroup]) -> Iterator[ClipGroup]:
        recipe, train = self._config.recipe, self._data.train
        if recipe.embeds_clips_once():
            self._listener.say("the image tower is frozen and clips do not change: each is encoded once")
            embeddings = VideoEmbeddings(
                self._learner.network, self._clips, self._enter, self._processes, self._listener.encoding
            )
            if self._clips.features and self._clips.features.reused:
                self._listener.say(reuse_in_words(self._clips.features.reused))
            return embeddings.groups(drawn)
        clips = TrainingClips(train, self._clips.store, recipe, self._size)
        return load_groups(clips, drawn, self._clips.workers)

    def _end_epoch(self, progress: RunProgress) -> tuple[EpochReport, RunProgress]:
        epoch = progress.step // self._plan.steps_per_epoch
        recipe = self._config.recipe
        is_last = epoch == recipe.epochs
        scores = None
        with self._learner.averaged() as network:
            if is_last or (epoch - 1) % recipe.validate_every == 0:
                scores = self._validation.score(network, self._learner.embed_classes())
            is_best = self._validation.is_best(scores, progress, is_last=is_last)
            self._write_model(network, epoch, scores, is_best=is_best)
        if is_best:
            progress = replace(progress, best_score=scores.value if scores else -1.0, best_epoch=epoch)
        loss = progress.epoch_loss / self._plan.steps_per_epoch
        ends_early = self._validation.ends_early(progress, epoch)
        return EpochReport(epoch, loss, scores, is_best, ends_early), replace(progress, epoch_loss=0.0)

    def _write_model(self, network: ViFiCLIP, epoch: int, scores: Scores | None, *, is_best: bool) -> None:
        if not self._processes.is_first:
            return
        self._folder.require_place()
        card = card_of_epoch(self._card, epoch, scores)
        for path in (self._folder.last, *([self._folder.best] if is_best else [])):
            write_model_folder(path, network, card)

    def _save(self, progress: RunProgress) -> None:
        if self._processes.is_first:
            save_training_state(self._folder.state, self._learner, progress)
        self._processes.wait_for_all()

    def _result(self, progress: RunProgress) -> RunResult:
        """Score the best model, loaded from disk as its user will; only the first process reads the folder."""
        processes, network = self._processes, self._learner.network
        best = load_vifi_clip(resolve_model(str(self._folder.best))).network if processes.is_first else None
        self._learner.take_weights(best)
        _, epochs = processes.from_first(self._folder.history)
        val = next((e.scores for e in epochs if e.epoch == progress.best_epoch), None)
        before = epochs[0].scores if epochs and epochs[0].epoch == 0 else None
        test = self._validation.score_test(network, self._learner.embed_classes(), val)
        index_model = (
            self._config.model if keeps_index(self._card, self._config.model) else str(self._folder.best)
        )
        return RunResult(
            *(self._folder.path, self._folder.best, index_model, progress.best_epoch, val, test, before),
            class_names=self._data.class_names,
            left_out_classes=self._data.left_out,
            epochs_done=epochs[-1].epoch,
            stopped_early=epochs[-1].stopped_early,
        )

    def _noted(self, report: Noted) -> Noted:
        if self._processes.is_first:
            self._folder.add(report)
            self._logs.add(report)
        return report
