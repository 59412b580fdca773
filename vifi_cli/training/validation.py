"""Scores of a model on videos that it does not learn from, shared out among the processes."""

from collections.abc import Callable, Sequence

from torch import Tensor

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.evaluation.metrics import top_k_hits
from vifi_cli.evaluation.predicting import ClipInput, TestClips, joined, predict
from vifi_cli.model.vifi_clip import ViFiCLIP
from vifi_cli.training.distributed import Processes
from vifi_cli.training.reports import Scores


def score(
    network: ViFiCLIP,
    classes: Tensor,
    clips: TestClips,
    split: str,
    enter: ClipInput,
    processes: Processes,
    *,
    batch: int,
    workers: int,
    watch: Callable[[int, int], None],
) -> Scores:
    """Score a model; each video is counted once, on one process or on many.

    Args:
        network: on the device of `enter`.
        classes: class embeddings (C, D).
        clips: of the videos.
        split: what the scores are called.
        enter: how clips enter the encoder.
        processes: that share the work.
        batch: videos encoded at once.
        workers: processes that read.
        watch: told how many videos are done, and of how many, by this process.
    """
    mine = range(processes.rank, len(clips.videos), processes.count)
    share = predict(
        network,
        classes,
        clips,
        mine,
        enter,
        batch=batch,
        workers=workers,
        watch=lambda done: watch(done, len(mine)),
    )
    whole = joined(processes.gather(share))
    labels = _labels(clips.videos, whole.videos.tolist())
    if not labels:
        return Scores(split, 0.0, 0.0, 0, len(whole.unreadable))
    top1, top5 = (float(top_k_hits(whole.probabilities, labels, k).mean()) for k in (1, 5))
    return Scores(split, top1, top5, len(labels), len(whole.unreadable))


def _labels(videos: Sequence[LabeledVideo], chosen: list[int]) -> list[int]:
    return [videos[video].label for video in chosen]
