"""A model's predictions for videos, and which of them are correct."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vifi_cli.errors import ModelUnavailable


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """A model's predictions for the videos of a list.

    `videos` are the numbers of the readable ones, int64 (N,), ascending, and `probabilities` float32 (N, C).
    `unreadable` has the numbers of the others, each with the reason.
    """

    videos: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float32]
    unreadable: tuple[tuple[int, str], ...] = ()


def top_k_hits(
    probabilities: npt.NDArray[np.float32], labels: Sequence[int] | npt.NDArray[np.int64], k: int
) -> npt.NDArray[np.bool_]:
    """Whether the true class of each video is among its k most probable classes: bool (N,).

    Among equally probable classes, lower numbers come first. With fewer than k classes, every video is a hit.
    """
    ranked = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    hits: npt.NDArray[np.bool_] = (ranked == np.asarray(labels)[:, None]).any(axis=1)
    return hits


def joined(shares: Sequence[Predictions]) -> Predictions:
    """Joins the predictions of several processes, in order of the videos."""
    videos = np.concatenate([share.videos for share in shares])
    order = np.argsort(videos)
    return Predictions(
        videos[order],
        np.concatenate([share.probabilities for share in shares])[order],
        tuple(sorted(entry for share in shares for entry in share.unreadable)),
    )


def require_finite(predictions: Predictions) -> Predictions:
    """Raises ModelUnavailable for infinite and NaN probabilities; NaN would count as the first class."""
    if not np.isfinite(predictions.probabilities).all():
        raise ModelUnavailable(
            "the model's output is not finite: its weights are damaged, or half precision is too coarse "
            "for it; try another model, or --device cpu"
        )
    return predictions
