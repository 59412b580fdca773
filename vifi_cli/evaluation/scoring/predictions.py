"""A model's predictions for videos, and which of them are correct."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vifi_cli.errors import ModelUnavailable

TOP_K = 5
"""Of top-5, which says nothing about five classes or fewer: the true class is always among the first five."""


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

    Among equally probable classes, the true one comes last, so a model that tells nothing apart gains nothing. With k
    classes or fewer, every video is a hit.
    """
    true = np.take_along_axis(probabilities, np.asarray(labels, np.int64)[:, None], axis=1)
    # the true class is one of them; NaN is as probable as anything
    as_probable = (~(probabilities < true)).sum(axis=1)
    hits: npt.NDArray[np.bool_] = as_probable <= k
    return hits


def predicted_classes(
    probabilities: npt.NDArray[np.float32], labels: Sequence[int] | npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """The most probable class of each video, int64 (N,); of equally probable ones the first wrong one."""
    others = probabilities.copy()
    np.put_along_axis(others, np.asarray(labels, np.int64)[:, None], -np.inf, axis=1)
    return np.where(top_k_hits(probabilities, labels, 1), labels, others.argmax(axis=1))


def most_probable(probabilities: npt.NDArray[np.float32], labels: Sequence[int], k: int) -> list[int]:
    """The k most probable classes of a video with these true classes, in descending order, from probabilities (C,).

    Of equally probable classes a true one comes last, and otherwise the first comes first.
    """
    is_true = np.zeros(len(probabilities), np.bool_)
    is_true[list(labels)] = True
    order: list[int] = np.lexsort((is_true, -probabilities))[:k].tolist()
    return order


def mean_class_accuracy(hits: npt.NDArray[np.bool_], labels: Sequence[int] | npt.NDArray[np.int64]) -> float:
    """The share of hits in each class, averaged over the classes that have a video; 0 without any.

    Each class counts the same, however many videos it has. Also called balanced accuracy or mean recall.
    """
    counts = np.bincount(np.asarray(labels, np.int64))
    shares = np.bincount(np.asarray(labels, np.int64), hits, len(counts)) / np.maximum(counts, 1)
    return float(shares[counts > 0].mean()) if len(hits) else 0.0


def macro_f1(
    labels: npt.NDArray[np.int64],
    guesses: npt.NDArray[np.int64],
    times: npt.NDArray[np.float64] | None = None,
) -> float:
    """F1 of each class, averaged over the classes that are true or predicted of some video; 0 without a video.

    F1 is 2 TP / (2 TP + FP + FN). A class that is predicted but has no video counts 0, as in scikit-learn. `times` says
    how often each video counts, once by default.
    """
    weights = np.ones(len(labels)) if times is None else times
    length = 1 + int(max(labels.max(initial=0), guesses.max(initial=0)))
    hits = np.bincount(labels, weights * (labels == guesses), length)
    of_class = np.bincount(labels, weights, length) + np.bincount(guesses, weights, length)
    return float((2 * hits[of_class > 0] / of_class[of_class > 0]).mean()) if of_class.any() else 0.0


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
