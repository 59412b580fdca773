"""What a frozen image tower sees in videos that are the same in every epoch: asked once, then kept."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.predicting import ClipInput, TestClips, encode_videos
from vifi_cli.model.vifi_clip import ViFiCLIP
from vifi_cli.training.clip_loading import BadClip, ClipGroup, candidates
from vifi_cli.training.distributed import Processes
from vifi_cli.training.epoch_plan import DrawnGroup


class VideoEmbeddings:
    """The embeddings of the training videos, in place of their clips."""

    def __init__(
        self,
        network: ViFiCLIP,
        clips: TestClips,
        enter: ClipInput,
        processes: Processes,
        *,
        batch: int,
        workers: int,
    ) -> None:
        """Embed each video once, each process its share of them.

        Raises:
            InvalidInput: no video can be read.
        """
        mine = range(processes.rank, len(clips.videos), processes.count)
        known: dict[int, Tensor] = {}
        self._bad: dict[int, str] = {}
        for numbers, embeddings, bad in encode_videos(
            network, clips, mine, enter, batch=batch, workers=workers
        ):
            # copies: another process would be sent the whole batch with each of its rows
            known |= {video: row.clone() for video, row in zip(numbers, embeddings.cpu(), strict=True)}
            self._bad |= dict(bad)
        shares = processes.gather((known, self._bad))
        self._known = {video: embedding for share, _ in shares for video, embedding in share.items()}
        self._bad = {video: reason for _, bad in shares for video, reason in bad.items()}
        if not self._known:
            raise InvalidInput("no training video can be read: `vifi data check` says why")
        self._videos = clips.videos

    def groups(self, groups: Iterator[DrawnGroup]) -> Iterator[ClipGroup]:
        """The groups that a plan draws, embeddings in place of clips."""
        for group in groups:
            drawn = [draw.video for draw in group.draws]
            videos = [next(v for v in candidates(video, self._videos) if v in self._known) for video in drawn]
            yield ClipGroup(
                group,
                torch.stack([self._known[video] for video in videos]),
                _labels(videos, self._videos),
                tuple(BadClip(video, self._bad[video]) for video in drawn if video in self._bad),
            )


def _labels(chosen: list[int], videos: Sequence[LabeledVideo]) -> Tensor:
    return torch.tensor([videos[video].label for video in chosen])
