"""Embeds videos with a frozen image tower, once if clips are the same in every epoch."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vifi_cli.data.labeled_videos import check_in_reach
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.scoring.predictions import Predictions
from vifi_cli.evaluation.testing.predicting import ClipInput, TestClips, encode_videos
from vifi_cli.model.towers.vifi_clip import ViFiCLIP
from vifi_cli.training.batches.epoch_plan import DrawnGroup
from vifi_cli.training.batches.loading import NONE_READABLE, BadClip, ClipGroup, candidates, padded_labels
from vifi_cli.training.engine.processes.distributed import Processes


@dataclass(frozen=True, slots=True, eq=False)
class FrozenEmbeddings:
    """Embeddings of videos by a frozen image tower, by the numbers of the videos."""

    embeddings: dict[int, Tensor]  # (D,), with `decision` fusion (T, D)
    unreadable: dict[int, str]  # reasons for the others

    def predict(self, network: ViFiCLIP, classes: Tensor) -> Predictions:
        """What `evaluation.predict` gives for these videos and class embeddings (C, D) of length 1."""
        if not self.embeddings:
            probabilities = np.zeros((0, len(classes)), np.float32)
        else:
            with torch.inference_mode():
                videos = torch.stack(list(self.embeddings.values())).to(classes.device)
                probabilities = network.class_logits(videos, classes).float().softmax(-1).cpu().numpy()
        return Predictions(
            np.array(list(self.embeddings), np.int64), probabilities, tuple(self.unreadable.items())
        )


def embed_once(
    network: ViFiCLIP,
    clips: TestClips,
    chosen: Sequence[int],
    enter: ClipInput,
    watch: Callable[[int], None] = lambda done: None,
) -> FrozenEmbeddings:
    """Embed the chosen videos, in ascending order; arguments are those of `evaluation.predict`."""
    known: dict[int, Tensor] = {}
    bad: dict[int, str] = {}
    for numbers, embeddings, unreadable in encode_videos(network, clips, chosen, enter):
        # clones, since sending a row to another process would send its complete batch
        known |= {video: row.clone() for video, row in zip(numbers, embeddings.cpu(), strict=True)}
        bad |= dict(unreadable)
        watch(len(known) + len(bad))
    return FrozenEmbeddings(known, bad)


class VideoEmbeddings:
    """The embeddings of the training videos, in place of their clips."""

    def __init__(
        self,
        network: ViFiCLIP,
        clips: TestClips,
        enter: ClipInput,
        processes: Processes,
        watch: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        """Embed each video once, each process its share; `watch` receives how many are done, of how many."""
        mine = range(processes.rank, len(clips.videos), processes.count)
        share = embed_once(network, clips, mine, enter, lambda done: watch(done, len(mine)))
        shares = processes.gather((share.embeddings, share.unreadable))
        self._known = {video: embedding for known, _ in shares for video, embedding in known.items()}
        self._bad = {video: reason for _, bad in shares for video, reason in bad.items()}
        if self._bad:
            check_in_reach(clips.videos)
        if not self._known:
            raise InvalidInput(NONE_READABLE)
        self._videos = clips.videos

    def groups(self, groups: Iterator[DrawnGroup]) -> Iterator[ClipGroup]:
        """The groups of a plan, with embeddings in place of clips."""
        for group in groups:
            drawn = [draw.video for draw in group.draws]
            videos = [next(v for v in candidates(video, self._videos) if v in self._known) for video in drawn]
            yield ClipGroup(
                group,
                torch.stack([self._known[video] for video in videos]),
                padded_labels([self._videos[video] for video in videos]),
                tuple(BadClip(video, self._bad[video]) for video in drawn if video in self._bad),
            )
