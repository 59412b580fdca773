"""Reads the clips of a plan, ahead of training if there are worker processes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from vifi_cli import stop_signals
from vifi_cli.data.labeled_videos import LabeledVideo, check_in_reach
from vifi_cli.errors import InvalidInput, UnreadableVideo, VideoOutOfReach
from vifi_cli.evaluation.testing.predicting import started
from vifi_cli.training.batches.augmentation import augment_clip
from vifi_cli.training.batches.epoch_plan import ClipDraw, DrawnGroup
from vifi_cli.training.recipe.recipe import Recipe
from vifi_cli.video.clips import clip_sampling
from vifi_cli.video.clips.store import ClipStore

# with more unreadable videos, something is wrong with the dataset
BAD_SHARE = 0.1
NONE_READABLE = "no training video can be read: `vifi data check` says why"


@dataclass(frozen=True, slots=True)
class BadClip:
    """A video that could not be read."""

    video: int  # index into the training videos
    reason: str  # in words, without the path


@dataclass(frozen=True, slots=True)
class ClipGroup:
    """The clips of one group, read and augmented."""

    group: DrawnGroup
    clips: Tensor  # uint8 (B, T, 3, S, S), or embeddings
    labels: Tensor  # int64 (B, K), of the videos that were read, as `padded_labels` has them
    bad: tuple[BadClip, ...]  # videos that another one replaced


@dataclass(slots=True)
class TrainingClips(Dataset[ClipGroup]):
    """Training clips of side `size`, by the draws of a plan.

    The next video of its class replaces one that cannot be read, so that a step keeps its size.
    """

    videos: Sequence[LabeledVideo]
    store: ClipStore
    recipe: Recipe
    size: int
    _bad: dict[int, str] = field(default_factory=dict)

    def __getitem__(self, group: DrawnGroup) -> ClipGroup:
        clips, read, bad = [], [], []
        for draw in group.draws:
            for video in candidates(draw.video, self.videos):
                clip = self._read(video, draw)
                if clip is not None:
                    break
                bad.append(BadClip(video, self._bad[video]))
            else:
                raise UnreadableVideo(NONE_READABLE)
            clips.append(clip)
            read.append(self.videos[video])
        return ClipGroup(group, torch.stack(clips), padded_labels(read), tuple(bad))

    def _read(self, video: int, draw: ClipDraw) -> Tensor | None:
        if video in self._bad:
            return None

        def choose(total: int) -> npt.NDArray[np.int64]:
            if not self.recipe.random_frames:
                return clip_sampling.test_frame_indices(total, self.recipe.frames)
            return clip_sampling.training_frame_indices(total, self.recipe.frames, self._generator(draw, 0))

        try:
            pixels = self.store.read(self.videos[video].path, choose, self.videos[video].part)
        except UnreadableVideo as error:
            self._bad[video] = str(error)
            return None
        return augment_clip(pixels, self.size, self.recipe.augmentation, self._generator(draw, 1))

    def _generator(self, draw: ClipDraw, use: int) -> np.random.Generator:
        return np.random.default_rng([self.recipe.seed, draw.epoch, draw.position, use])


def padded_labels(videos: Sequence[LabeledVideo]) -> Tensor:
    """The classes of videos, int64 (B, K); a video with fewer than K repeats its first one."""
    most = max(len(video.labels) for video in videos)
    return torch.tensor([(*video.labels, *[video.label] * (most - len(video.labels))) for video in videos])


def candidates(video: int, videos: Sequence[LabeledVideo]) -> Iterator[int]:
    """The videos to try for a clip, in order: the one drawn, others of its class, any other."""
    label = videos[video].label
    others = [(video + step) % len(videos) for step in range(len(videos))]
    yield from (other for other in others if videos[other].label == label)
    yield from (other for other in others if videos[other].label != label)


def load_groups(clips: TrainingClips, groups: Iterable[DrawnGroup], workers: int) -> Iterator[ClipGroup]:
    """Read groups in order: ahead of time in worker processes, or without workers when each is needed.

    Raises:
        VideoOutOfReach: the dataset has vanished.
        UnreadableVideo: no video can be read.
    """
    loader: DataLoader[ClipGroup] = DataLoader(
        clips,
        batch_size=None,
        sampler=groups,
        num_workers=workers,
        worker_init_fn=stop_signals.leave_to_parent,
        multiprocessing_context="spawn" if workers else None,
        prefetch_factor=4 if workers else None,
    )
    try:
        for group in started(loader):
            if group.bad:
                check_in_reach(clips.videos)
            yield group
    except VideoOutOfReach:
        raise
    except UnreadableVideo as error:
        check_in_reach(clips.videos)
        # the message of an error from another process is its traceback
        raise UnreadableVideo(NONE_READABLE) from error


class BadVideos:
    """Collects training videos that cannot be read, and stops the run when they are too many."""

    def __init__(self, videos: Sequence[LabeledVideo], say: Callable[[str], None]) -> None:
        """`say` receives each video once."""
        self._videos, self._say = videos, say
        self._reasons: dict[int, str] = {}

    def note(self, bad: Sequence[BadClip]) -> None:
        """Add the videos that a step could not read."""
        for clip in bad:
            if clip.video not in self._reasons:
                self._reasons[clip.video] = clip.reason
                self._say(f"{self._videos[clip.video].address} is left out: {clip.reason}")
        if len(self._reasons) > max(1.0, BAD_SHARE * len(self._videos)):
            raise InvalidInput(
                f"{len(self._reasons)} of {len(self._videos)} training videos cannot be read: `vifi data check` "
                "lists them"
            )

    def listed(self) -> list[tuple[LabeledVideo, str]]:
        """The videos, each with the reason."""
        return [(self._videos[video], reason) for video, reason in sorted(self._reasons.items())]
