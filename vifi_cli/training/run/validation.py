"""Scores of a model on videos that it does not learn from, and which epoch is the best by them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor

from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
from vifi_cli.evaluation.scoring.predictions import Predictions, joined, top_k_hits
from vifi_cli.evaluation.testing.predicting import ClipInput, TestClips, predict
from vifi_cli.model.towers.vifi_clip import ViFiCLIP
from vifi_cli.training.engine.distributed import Processes
from vifi_cli.training.engine.frozen_towers import EmbeddedVideos, embed_once
from vifi_cli.training.recipe.recipe import Recipe
from vifi_cli.training.run.reports import Scores
from vifi_cli.training.run.state import RunProgress
from vifi_cli.video.clips.store import ClipStore


@dataclass(frozen=True, slots=True)
class Reading:
    """How clips come from disk to the encoder.

    Attributes:
        store: reads the frames.
        micro_batch: clips encoded at once.
        workers: processes that read for one that trains.
    """

    store: ClipStore
    micro_batch: int
    workers: int


@dataclass(frozen=True, slots=True)
class Validation:
    """Scores a model on the videos that training is watched with; each is counted once, on however many processes.

    Where the image tower is frozen, it sees each video in the first validation only.

    Attributes:
        data: with these videos.
        reading: how clips are had.
        recipe: frames of a clip, and whether the test may choose.
        size: S, of the encoder's picture.
        enter: how clips enter the encoder.
        processes: that share the work.
        watch: told how many videos are done, and of how many, by this process.
    """

    data: LabeledVideos
    reading: Reading
    recipe: Recipe
    size: int
    enter: ClipInput
    processes: Processes
    watch: Callable[[int, int], None]
    _embedded: dict[tuple[LabeledVideo, ...], EmbeddedVideos] = field(default_factory=dict)

    def score(self, network: ViFiCLIP, classes: Tensor) -> Scores | None:
        """Score a model by its class embeddings (C, D); None where no video is held out."""
        return self._score(network, classes, "val", self.data.val) or self._score(
            network, classes, "test", self.data.test
        )

    def score_test(self, network: ViFiCLIP, classes: Tensor, known: Scores | None) -> Scores | None:
        """Score a model on the test videos, which may be those of the `known` scores of this very model."""
        is_known = known is not None and (not self.data.val or self.data.val == self.data.test)
        return known if is_known else self._score(network, classes, "test", self.data.test)

    def is_best(self, scores: Scores | None, progress: RunProgress, *, is_last: bool) -> bool:
        """Whether this epoch's model is to be kept as the best; without videos to choose by, the last one is."""
        if not self._may_choose():
            return is_last
        if scores is None or not scores.videos:
            return is_last and not progress.best_epoch
        return scores.top1 > progress.best_top1

    def _may_choose(self) -> bool:
        val, test = ({video.path for video in videos} for videos in (self.data.val, self.data.test))
        return bool(val and not val & test) or (self.recipe.select_on_test and bool(val or test))

    def _score(
        self, network: ViFiCLIP, classes: Tensor, split: str, videos: tuple[LabeledVideo, ...]
    ) -> Scores | None:
        if not videos:
            return None
        whole = joined(self.processes.gather(self._predict(network, classes, videos)))
        name = "test" if videos == self.data.test else split
        if not len(whole.videos):
            return Scores(name, 0.0, 0.0, 0, len(whole.unreadable))
        labels = [videos[video].label for video in whole.videos.tolist()]
        top1, top5 = (float(top_k_hits(whole.probabilities, labels, k).mean()) for k in (1, 5))
        return Scores(name, top1, top5, len(labels), len(whole.unreadable))

    def _predict(self, network: ViFiCLIP, classes: Tensor, videos: tuple[LabeledVideo, ...]) -> Predictions:
        """What the model says of this process's share of the videos."""
        mine = range(self.processes.rank, len(videos), self.processes.count)
        clips = TestClips(videos, self.reading.store, self.recipe.frames, self.size)
        batch, workers = self.reading.micro_batch, self.reading.workers

        def watch(done: int) -> None:
            self.watch(done, len(mine))

        if self.recipe.tune != "text":
            return predict(
                network, classes, clips, mine, self.enter, batch=batch, workers=workers, watch=watch
            )
        if videos not in self._embedded:
            self._embedded[videos] = embed_once(
                network, clips, mine, self.enter, batch=batch, workers=workers, watch=watch
            )
        return self._embedded[videos].predict(network, classes)
