"""How well embeddings separate classes, by cosine: silhouette and nearest neighbors.

Both are measured on the embeddings, never on a map of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vifi_cli.errors import InvalidInput, MissingDependency
from vifi_cli.evaluation.scoring.confidence_intervals import Estimate, estimated_mean, estimated_share
from vifi_cli.evaluation.testing.predicting import Embeddings
from vifi_cli.wording import counted

ROWS_AT_ONCE = 1024

Labels = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Separation:
    """How well a model's embeddings separate classes.

    `silhouette` is the mean over videos, -1 to 1. `purity` is the share of videos whose nearest neighbor has their
    class, among those with a possible neighbor of their class; None if there are none. For each video, `silhouettes`
    float64 (N,), the number of its `nearest` neighbor int64 (N,), and `matches` float64 (N,): whether that has the same
    class, NaN where no neighbor could.
    """

    silhouette: Estimate
    purity: Estimate | None
    silhouettes: Values
    nearest: npt.NDArray[np.int64]
    matches: Values


@dataclass(frozen=True, slots=True)
class Gain:
    """The difference between two models on the same videos; see `Separation`."""

    silhouette: Estimate
    purity: Estimate | None


def separation(embeddings: Embeddings, labels: Labels, groups: Sequence[str] = ()) -> Separation:
    """Scores embeddings, float32 (N, D) of length 1, by their classes, int64 (N,).

    The silhouette of a video is (b - a) / max(a, b): a is its mean cosine distance to the others of its class, b the
    smallest mean distance to another class. It is 0 for the only video of a class.

    Neighbors come from other groups only. Clips of one scene or person look alike whatever they show: every model would
    seem good if they have one class, and bad if they have several. Intervals are drawn over groups too.

    Raises:
        InvalidInput: there are fewer than two classes, or no class has two videos.
        MissingDependency: scikit-learn is not installed.

    Source: Rousseeuw, Silhouettes: a graphical aid to the interpretation and validation of cluster analysis, 1987.
    """
    check_separable(labels)
    silhouettes = _silhouettes(embeddings, labels)
    members = np.unique(groups, return_inverse=True)[1] if groups else np.arange(len(labels))
    nearest = nearest_neighbors(embeddings, members)
    matches = (labels[nearest] == labels).astype(np.float64)
    matches[~_has_classmate(labels, members)] = np.nan
    return Separation(
        estimated_mean(silhouettes, groups),
        _of_numbers(estimated_share, matches, groups),
        silhouettes,
        nearest,
        matches,
    )


def check_separable(labels: Labels | Sequence[int], hint: str = "") -> None:
    """Raise InvalidInput unless there are two classes, one of them with two videos; `hint` ends the message."""
    classes = len(np.unique(labels))
    if 2 <= classes < len(labels):
        return
    mapped = f"{counted(len(labels), 'video')} of {counted(classes, 'class', 'classes')}"
    ending = f" ({hint})" if hint else ""
    raise InvalidInput(
        f"a map of {mapped} shows nothing: it needs two classes, and two videos of one of them{ending}"
    )


def gain(later: Separation, earlier: Separation, groups: Sequence[str] = ()) -> Gain:
    """Compares two models on the same videos; intervals draw videos, or groups, for both at once."""
    return Gain(
        estimated_mean(later.silhouettes - earlier.silhouettes, groups),
        _of_numbers(estimated_mean, later.matches - earlier.matches, groups),
    )


def nearest_neighbors(embeddings: Embeddings, groups: Labels) -> npt.NDArray[np.int64]:
    """The number of the nearest embedding from another group by cosine, among equal ones the first: int64 (N,).

    There must be at least two groups.
    """
    nearest = np.zeros(len(embeddings), np.int64)
    for start in range(0, len(embeddings), ROWS_AT_ONCE):
        cosines = embeddings[start : start + ROWS_AT_ONCE] @ embeddings.T
        cosines[groups[start : start + ROWS_AT_ONCE, None] == groups] = -np.inf
        nearest[start : start + ROWS_AT_ONCE] = cosines.argmax(1)
    return nearest


def _has_classmate(labels: Labels, groups: Labels) -> npt.NDArray[np.bool_]:
    """Whether another group has a video of the same class: bool (N,)."""
    pairs = np.unique(np.stack([labels, groups]), axis=1)
    groups_of_class = np.bincount(pairs[0], minlength=int(labels.max()) + 1)
    return np.asarray(groups_of_class[labels] > 1)


def _silhouettes(embeddings: Embeddings, labels: Labels) -> Values:
    try:
        from sklearn.metrics import silhouette_samples
    except ImportError as error:
        raise MissingDependency("maps of embeddings need scikit-learn: pip install scikit-learn") from error
    values: Values = silhouette_samples(embeddings.astype(np.float64), labels, metric="cosine")
    return values


def _of_numbers(
    estimate: Callable[[Values, Sequence[str]], Estimate], values: Values, groups: Sequence[str]
) -> Estimate | None:
    """An estimate from the values that are not NaN; None if there are none."""
    counted = np.flatnonzero(~np.isnan(values)).tolist()
    if not counted:
        return None
    return estimate(values[counted], [groups[video] for video in counted] if groups else ())
