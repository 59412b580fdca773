"""How far classes lie apart among embeddings of videos, by cosine: silhouette and nearest neighbours.

Both are measured on the embeddings themselves, never on a map of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vifi_cli.errors import InvalidInput, MissingDependency
from vifi_cli.evaluation.embedding import Embeddings
from vifi_cli.evaluation.scores import Figure, bootstrap_means, interval_of

ROWS_AT_ONCE = 1024

Labels = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Separation:
    """How well a model's embeddings keep classes apart.

    Attributes:
        silhouette: the mean over videos, -1 to 1.
        purity: the share of videos whose nearest neighbour is of their class, among those that are not alone in it.
        silhouettes: of each video, float64 (N,).
        nearest: the number of each video's nearest neighbour, int64 (N,).
        matches: whether that is of the same class; not a number for a video that is alone in its class; float64 (N,).
    """

    silhouette: Figure
    purity: Figure
    silhouettes: Values
    nearest: npt.NDArray[np.int64]
    matches: Values


@dataclass(frozen=True, slots=True)
class Gain:
    """How much better one model separates classes than another on the same videos, with intervals of the difference.

    Attributes:
        silhouette: the difference of the mean silhouettes.
        purity: the difference of the purities.
    """

    silhouette: Figure
    purity: Figure


def separation(embeddings: Embeddings, labels: Labels, groups: Sequence[str] = ()) -> Separation:
    """Score embeddings, float32 (N, D) of length 1, by classes, int64 (N,).

    The silhouette of a video is (b - a) / max(a, b): a its mean cosine distance to the others of its class, b the least
    mean distance to another class; 0 for a video that is alone in its class.

    Args:
        embeddings: of the videos.
        labels: of each.
        groups: what intervals are drawn over, see `scores.independent_groups`; without, videos are.

    Raises:
        InvalidInput: there are fewer than two classes, or no class has two videos.
        MissingDependency: scikit-learn is not installed.

    Source: Rousseeuw, Silhouettes: a graphical aid to the interpretation and validation of cluster analysis, 1987.
    """
    if not 2 <= len(np.unique(labels)) < len(labels):
        raise InvalidInput(
            "how far classes lie apart takes two classes, and two videos of one of them: name data that has these"
        )
    silhouettes = _silhouettes(embeddings, labels)
    nearest = nearest_neighbours(embeddings)
    matches = (labels[nearest] == labels).astype(np.float64)
    matches[np.bincount(labels)[labels] == 1] = np.nan
    return Separation(_mean(silhouettes, groups), _mean(matches, groups), silhouettes, nearest, matches)


def gain(later: Separation, earlier: Separation, groups: Sequence[str] = ()) -> Gain:
    """Compare two models on the same videos; intervals draw videos, or groups, for both at once."""
    return Gain(
        _mean(later.silhouettes - earlier.silhouettes, groups), _mean(later.matches - earlier.matches, groups)
    )


def nearest_neighbours(embeddings: Embeddings) -> npt.NDArray[np.int64]:
    """The number of each embedding's nearest other one by cosine, of equal ones the first: int64 (N,)."""
    nearest = np.zeros(len(embeddings), np.int64)
    for start in range(0, len(embeddings), ROWS_AT_ONCE):
        cosines = embeddings[start : start + ROWS_AT_ONCE] @ embeddings.T
        rows = np.arange(len(cosines))
        cosines[rows, start + rows] = -np.inf
        nearest[start : start + ROWS_AT_ONCE] = cosines.argmax(1)
    return nearest


def _silhouettes(embeddings: Embeddings, labels: Labels) -> Values:
    try:
        from sklearn.metrics import silhouette_samples
    except ImportError as error:
        raise missing_scikit_learn() from error
    values: Values = silhouette_samples(embeddings.astype(np.float64), labels, metric="cosine")
    return values


def missing_scikit_learn() -> MissingDependency:
    """Says how to install what maps are made with."""
    return MissingDependency("maps of embeddings need scikit-learn: pip install scikit-learn")


def _mean(values: Values, groups: Sequence[str]) -> Figure:
    """The mean of the values that are numbers, with its interval."""
    counted = ~np.isnan(values)
    among = [group for group, counts in zip(groups, counted, strict=True) if counts] if groups else []
    return Figure(float(values[counted].mean()), *interval_of(bootstrap_means(values[counted], among)))
