"""Scores a model on the validation videos, which decide on the best epoch."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from torch import Tensor

from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, check_in_reach, shows_several_classes
from vifi_cli.data.splits.overlaps import SameFrames
from vifi_cli.evaluation.scoring.multi_label import (
    mean_average_precision,
    positives_of,
)
from vifi_cli.evaluation.scoring.predictions import (
    TOP_K,
    Predictions,
    joined,
    mean_class_accuracy,
    top_k_hits,
)
from vifi_cli.evaluation.testing.predicting import ClipInput, TestClips, predict
from vifi_cli.model.towers.vifi_clip import ViFiCLIP
from vifi_cli.training.engine.frozen_towers import FrozenEmbeddings, embed_once
from vifi_cli.training.engine.processes.distributed import Processes
from vifi_cli.training.recipe.recipe import Recipe
from vifi_cli.training.run.reports import Scores
from vifi_cli.training.run.state import RunProgress


@dataclass(frozen=True, slots=True)
class Validation:
    """Scores a model on the validation videos; each counts once, however many processes there are.

    A frozen image tower sees each video only in the first validation.
    """

    data: LabeledVideos
    clips: TestClips  # how clips are read, of whichever videos
    recipe: Recipe
    enter: ClipInput
    processes: Processes
    watch: Callable[[int, int], None]  # receives how many videos this process has scored, of how many
    _embedded: dict[tuple[LabeledVideo, ...], FrozenEmbeddings] = field(default_factory=dict)

    def score(self, network: ViFiCLIP, classes: Tensor) -> Scores | None:
        """Score a model with its class embeddings (C, D); None without held-out videos."""
        scores = self._score(network, classes, self.data.val)
        return scores or self._score(network, classes, self.data.test)

    def score_test(self, network: ViFiCLIP, classes: Tensor, known: Scores | None) -> Scores | None:
        """Score a model on the test videos, unless these gave the scores that are `known` from validation."""
        is_known = known is not None and (not self.data.val or self.data.val == self.data.test)
        return known if is_known else self._score(network, classes, self.data.test)

    def is_best(self, scores: Scores | None, progress: RunProgress, *, is_last: bool) -> bool:
        """Whether this epoch's model becomes `best/`; without videos to choose by, the last one does."""
        if self.recipe.keep_last or not self.may_choose():
            return is_last
        if scores is None or not scores.videos:
            return is_last and not progress.best_epoch
        return scores.value > progress.best_score

    def ends_early(self, progress: RunProgress, epoch: int) -> bool:
        """Whether the run ends after this epoch, since `patience` validations have not improved on the best one."""
        if not self.recipe.patience or not progress.best_epoch or not self.may_choose():
            return False
        since = sum(
            (one - 1) % self.recipe.validate_every == 0 for one in range(progress.best_epoch + 1, epoch + 1)
        )
        return since >= self.recipe.patience and epoch < self.recipe.epochs

    def may_choose(self) -> bool:
        """Whether there are videos by which an epoch may be chosen: not those of the test."""
        is_any = bool(self.data.val or self.data.test)
        return has_own_val(self.data) or (self.recipe.select_on_test and is_any)

    def _score(self, network: ViFiCLIP, classes: Tensor, videos: tuple[LabeledVideo, ...]) -> Scores | None:
        if not videos:
            return None
        all_predictions = joined(self.processes.gather(self._predict(network, classes, videos)))
        if all_predictions.unreadable:
            check_in_reach(videos)
        split = "test" if videos == self.data.test else "val"
        scores = scores_of(all_predictions, videos, split)
        return replace(scores, frames=self.clips.frames, views=str(self.clips.views))

    def _predict(self, network: ViFiCLIP, classes: Tensor, videos: tuple[LabeledVideo, ...]) -> Predictions:
        """The predictions for this process's share of the videos."""
        mine = range(self.processes.rank, len(videos), self.processes.count)
        clips = replace(self.clips, videos=videos)

        def watch(done: int) -> None:
            self.watch(done, len(mine))

        if self.recipe.tune != "text":
            return predict(network, classes, clips, mine, self.enter, watch)
        if videos not in self._embedded:
            self._embedded[videos] = embed_once(network, clips, mine, self.enter, watch)
        return self._embedded[videos].predict(network, classes)


def has_own_val(data: LabeledVideos) -> bool:
    """Whether there are validation videos that show nothing of the test, so that choices may depend on them."""
    return bool(data.val) and not any(map(SameFrames(data.test).find, data.val))


def scores_of(predictions: Predictions, videos: tuple[LabeledVideo, ...], split: str) -> Scores:
    """The scores of predictions; zeros if no video could be read."""
    read, probabilities = [videos[video] for video in predictions.videos.tolist()], predictions.probabilities
    unreadable = len(predictions.unreadable)
    if not read:
        return Scores(split, 0.0, None, 0, unreadable)
    if shows_several_classes(videos):
        precision = mean_average_precision(probabilities, positives_of(read, probabilities.shape[1]))
        return Scores(split, None, None, len(read), unreadable, mean_average_precision=precision)
    labels = [video.label for video in read]
    hits = top_k_hits(probabilities, labels, 1)
    top5 = float(top_k_hits(probabilities, labels, TOP_K).mean()) if probabilities.shape[1] > TOP_K else None
    accuracy = mean_class_accuracy(hits, labels)
    return Scores(split, float(hits.mean()), top5, len(read), unreadable, mean_class_accuracy=accuracy)
