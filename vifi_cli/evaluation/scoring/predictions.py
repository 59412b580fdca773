"""What a model predicts for videos, and which predictions are correct."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vifi_cli.errors import ModelUnavailable


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """A model's predictions for the videos of a list.

    Attributes:
        videos: numbers of the videos that could be read, int64 (N,), ascending.
        probabilities: float32 (N, C).
        unreadable: numbers of the other videos, each with the reason.
    """

    videos: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float32]
    unreadable: tuple[tuple[int, str], ...] = ()


def top_k_hits(
    probabilities: npt.NDArray[np.float32], labels: Sequence[int] | npt.NDArray[np.int64], k: int
) -> npt.NDArray[np.bool_]:
    """Whether the true class of each video is among its k most probable classes.

    Args:
        probabilities: (N, C). Among equally probable classes, lower numbers come first.
        labels: N class numbers.
        k: at least 1. With fewer than k classes, every video is a hit.

    Returns:
        bool (N,).
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
    """Returns the predictions if all probabilities are finite; NaN would count as the first class.

    Raises:
        ModelUnavailable: some are not.
    """
    if not np.isfinite(predictions.probabilities).all():
        raise ModelUnavailable(
            "the model's output is not finite: its weights are damaged, or half precision is too coarse "
            "for it; try another model, or --device cpu"
        )
    return predictions
