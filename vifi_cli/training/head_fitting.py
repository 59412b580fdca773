"""A run that fits a classifier on top of a frozen model: encode each video once, fit, score, write."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, check_in_reach
from vifi_cli.errors import InvalidInput, VideoOutOfReach
from vifi_cli.evaluation.testing.class_texts import embed_class_names, embed_tested_classes
from vifi_cli.evaluation.testing.frame_features import kept_features, reuse_in_words
from vifi_cli.evaluation.testing.predicting import ClipInput, TestClips
from vifi_cli.model.registry.card import ModelCard
from vifi_cli.model.storage.loading import LoadedModel, describe_base
from vifi_cli.model.storage.writing import write_model_folder
from vifi_cli.training.batches.loading import NONE_READABLE, BadClip, BadVideos
from vifi_cli.training.engine.frozen_towers import embed_once
from vifi_cli.training.engine.precision import choose_precision
from vifi_cli.training.engine.processes.distributed import Processes
from vifi_cli.training.engine.resources import make_repeatable, open_clip_store, reading_workers
from vifi_cli.training.fine_tuning import Report
from vifi_cli.training.heads.linear_probe import fit_linear_probe
from vifi_cli.training.heads.samples import FittedHead, HeadSamples
from vifi_cli.training.heads.tip_adapter import fit_tip_adapter
from vifi_cli.training.run.folder import RunConfig, RunFolder
from vifi_cli.training.run.interruptions import with_next_step
from vifi_cli.training.run.listener import Listener
from vifi_cli.training.run.model import load_start, tuned_card
from vifi_cli.training.run.reports import EpochReport, RunLength, RunResult, Scores, card_of_epoch
from vifi_cli.training.run.validation import Validation, has_own_val
from vifi_cli.wording import counted

AT_ONCE = 4  # clips


class HeadFitting:
    """A run of a linear probe or Tip-Adapter, with the interface of `FineTuning`.

    It keeps no state to resume from: what takes long, the embeddings of frames, is on disk once it is made, so a run
    that was killed begins again in seconds and gives the same head.
    """

    takes_steps = False  # it can be stopped at any time

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
        model = load_start(config.model, of_changes=True)
        # as in a test, so that the features are equal to the bit
        model.network.visual.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        model.network.to(processes.device).eval()
        self._model = replace(model, card=_card_of_head(model, config, data))
        self._start_card = model.card
        preprocessing = self._model.card.preprocessing
        size = preprocessing.geometry.height
        precision = choose_precision(recipe.runtime.precision, processes.device)
        self._enter = ClipInput(preprocessing, processes.device, precision)
        self._clips = TestClips(
            data.train,
            open_clip_store(size, recipe),
            recipe.frames,
            size,
            batch=recipe.runtime.micro_batch or AT_ONCE,
            workers=reading_workers(recipe, processes),
            features=kept_features(model.network, model.card, preprocessing, self._enter.arithmetic),
        )
        self._validation = Validation(data, self._clips, recipe, self._enter, processes, listener.scoring)
        self._bad = BadVideos(data.train, listener.say)

    def reports(self, *, is_resumed: bool = False) -> Iterator[Report]:
        """Carry the run out, and report the model before, the fitted head, and the result.

        Raises:
            InvalidInput: too many videos cannot be read, or the disk is full.
            VideoOutOfReach: the disk with the videos has vanished.
        """
        del is_resumed  # nothing is saved in between
        try:
            before = self._score_before()
            yield self._noted(EpochReport(0, None, before, is_best=False))
            self._fit()
            classes = embed_class_names(self._model, self._data.class_names)
            scores = self._validation.score(self._model.network, classes)
            self._write(scores)
            yield self._noted(EpochReport(1, None, scores, is_best=True))
            test = self._validation.score_test(self._model.network, classes, scores)
        except (VideoOutOfReach, OSError) as error:
            raise with_next_step(error, self._folder) from error
        yield RunResult(
            self._folder.path,
            self._folder.best,
            self._config.model,
            1,
            scores,
            test,
            before,
            class_names=self._data.class_names,
            left_out_classes=self._data.left_out,
            is_head=True,
        )

    @property
    def length(self) -> RunLength:
        """How much it has to do."""
        data, count = self._data, self._processes.count
        videos = 2 * len(data.val or data.test) + (len(data.test) if data.val != data.test else 0)
        return RunLength(1, 1, -(-len(data.train) // count), -(-videos // count))

    def describe(self) -> str:
        """The run in one line."""
        return (
            f"a {self._model.card.head} learns from {counted(len(self._data.train), 'video')} of "
            f"{len(self._data.class_names)} classes, {counted(self._config.recipe.frames, 'frame')} each, on "
            f"{self._processes.count} x {self._processes.device}; the towers stay as they are"
        )

    def unreadable(self) -> list[tuple[LabeledVideo, str]]:
        """The training videos that could not be read, each with the reason."""
        return self._bad.listed()

    def _score_before(self) -> Scores | None:
        """Score the model as a test of it would; then let it pool frames as its head does."""
        network = self._model.network
        scores = None
        if self._data.val or self._data.test:
            start = replace(self._model, card=self._start_card)
            classes = embed_tested_classes(
                start,
                self._data.class_names,
                as_published=self._config.protocol == "paper",
                warn=self._listener.say,
            )
            scores = self._validation.score(network, classes)
        network.fusion = self._model.card.fusion
        return scores

    def _fit(self) -> None:
        """Fit the head in the first process, and give it to the network of each."""
        train, own_val = self._samples(self._data.train, is_training=True), None
        if has_own_val(self._data):
            own_val = self._samples(self._data.val)
        features = self._clips.features
        if features and features.reused:
            self._listener.say(reuse_in_words(features.reused))
        problem: InvalidInput | None = None
        fitted: FittedHead | None = None
        if self._processes.is_first:
            try:
                fitted = self._fitted(train, own_val)
            except InvalidInput as error:
                problem = error
        fitted, problem = self._processes.gather((fitted, problem))[0]
        if problem:
            raise problem
        assert fitted is not None
        self._listener.say(f"{self._model.card.head}: {fitted.in_words}")
        self._model.network.head = fitted.head.to(self._processes.device)
        card = self._model.card
        self._model = replace(self._model, card=replace(card, origin={**card.origin, **fitted.facts}))

    def _fitted(self, train: HeadSamples, val: HeadSamples | None) -> FittedHead:
        if self._model.card.head == "linear-probe":
            self._warn_of_empty_classes(train)
            return fit_linear_probe(train, val)
        network = self._model.network
        texts = embed_class_names(self._model, self._data.class_names, warn=self._listener.say)
        return fit_tip_adapter(train, val, texts, network.logit_scale.detach().exp())

    def _warn_of_empty_classes(self, train: HeadSamples) -> None:
        empty = np.flatnonzero(~(train.shares > 0).any(0))
        for place in empty.tolist():
            name = self._data.class_names[place]
            self._listener.say(
                f"no training video of {name!r} can be read: the linear probe never predicts it"
            )

    @torch.inference_mode()
    def _samples(self, videos: tuple[LabeledVideo, ...], *, is_training: bool = False) -> HeadSamples:
        """The embeddings of readable videos, of which each process encodes its share."""
        mine = range(self._processes.rank, len(videos), self._processes.count)
        clips = replace(self._clips, videos=videos)
        share = embed_once(
            self._model.network,
            clips,
            mine,
            self._enter,
            lambda done: self._listener.encoding(done, len(mine)),
        )
        known: dict[int, Tensor] = {}
        bad: dict[int, str] = {}
        for embeddings, unreadable in self._processes.gather((share.embeddings, share.unreadable)):
            known |= embeddings
            bad |= unreadable
        if bad:
            check_in_reach(videos)
        if is_training:
            self._bad.note([BadClip(video, reason) for video, reason in sorted(bad.items())])
            if not known:
                raise InvalidInput(NONE_READABLE)
        rows = [known[video].numpy() for video in sorted(known)]
        dimension = self._model.card.dimension
        embeddings = np.stack(rows) if rows else np.zeros((0, dimension), np.float32)
        read = [videos[video] for video in sorted(known)]
        return HeadSamples.of(read, embeddings, len(self._data.class_names))

    def _write(self, scores: Scores | None) -> None:
        if not self._processes.is_first:
            return
        self._folder.require_place()
        card = card_of_epoch(self._model.card, 1, scores)
        write_model_folder(self._folder.best, self._model.network, card)

    def _noted(self, report: EpochReport) -> EpochReport:
        if self._processes.is_first:
            self._folder.add(report)
        return report


def _card_of_head(model: LoadedModel, config: RunConfig, data: LabeledVideos) -> ModelCard:
    """The card of the model that the run saves: its base's own texts, unless the user names others.

    A head reads the mean of the frames' embeddings, also where its base averages their probabilities.
    """
    base, card = model.card, tuned_card(model.card, config, data)
    return replace(
        card,
        fusion="embedding" if base.fusion == "decision" else base.fusion,
        template=base.template,
        texts=card.texts or base.texts,
        tuned=base.tuned,
        head="linear-probe" if config.recipe.tune == "linear-probe" else "tip-adapter",
        base=describe_base(model, card.preprocessing),
    )
