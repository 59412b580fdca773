"""Scores a model on the validation videos, which decide on the best epoch."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from torch import Tensor

from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, check_in_reach
from vifi_cli.evaluation.scoring.predictions import Predictions, joined, top_k_hits
from vifi_cli.evaluation.testing.predicting import ClipInput, TestClips, predict
from vifi_cli.model.towers.vifi_clip import ViFiCLIP
from vifi_cli.training.engine.distributed import Processes
from vifi_cli.training.engine.frozen_towers import FrozenEmbeddings, embed_once
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
        if not self._may_choose():
            return is_last
        if scores is None or not scores.videos:
            return is_last and not progress.best_epoch
        return scores.top1 > progress.best_top1

    def _may_choose(self) -> bool:
        val, test = ({video.path for video in videos} for videos in (self.data.val, self.data.test))
        return bool(val and not val & test) or (self.recipe.select_on_test and bool(val or test))

    def _score(self, network: ViFiCLIP, classes: Tensor, videos: tuple[LabeledVideo, ...]) -> Scores | None:
        if not videos:
            return None
        all_predictions = joined(self.processes.gather(self._predict(network, classes, videos)))
        if all_predictions.unreadable:
            check_in_reach(videos)
        split = "test" if videos == self.data.test else "val"
        if not len(all_predictions.videos):
            return Scores(split, 0.0, 0.0, 0, len(all_predictions.unreadable))
        labels = [videos[video].label for video in all_predictions.videos.tolist()]
        top1, top5 = (float(top_k_hits(all_predictions.probabilities, labels, k).mean()) for k in (1, 5))
        return Scores(split, top1, top5, len(labels), len(all_predictions.unreadable))

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
