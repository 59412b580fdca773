"""Maps of labeled videos: each model's layout of their embeddings, and how well it separates the classes.

The layouts are t-SNE, or principal components of many videos: van der Maaten & Hinton, Visualizing Data using t-SNE,
JMLR 2008, as scikit-learn computes it.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.evaluation.embed_map.separation import Gain, Separation, gain, separation
from vifi_cli.evaluation.scoring.confidence_intervals import Estimate, independent_groups
from vifi_cli.evaluation.testing.predicting import Embeddings

Projection = Literal["t-SNE", "PCA"]
Points = npt.NDArray[np.float64]

MOST_FOR_TSNE = 5_000
FEWEST_FOR_TSNE = 5
PERPLEXITY = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class LabeledEmbeddings:
    """The same N labeled videos, embedded by each model.

    `by_model` has each model's name and its embeddings float32 (N, D), of length 1. `remarks` are sentences for people.
    """

    title: str
    class_names: tuple[str, ...]
    videos: tuple[LabeledVideo, ...]
    by_model: tuple[tuple[str, Embeddings], ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class MappedModel:
    """The map of one model: points float64 (N, 2), from -1 to 1; `gain` compares it with the first model."""

    name: str
    points: Points
    separation: Separation
    gain: Gain | None

    @property
    def height(self) -> float:
        """How far the points reach up and down, while they reach 1 to the left and the right."""
        return float(np.abs(self.points[:, 1]).max())

    def __repr__(self) -> str:
        scores = self.separation
        texts = separation_text(scores.silhouette), separation_text(scores.purity)
        return f"MappedModel({self.name!r}, silhouette {texts[0]}, nearest neighbor {texts[1]})"


@dataclass(frozen=True, slots=True, eq=False)
class EmbedMap:
    """The same videos, as several models lay them out; the first model is compared with the others.

    `groups` is the number of groups that intervals are drawn over, 0 for videos.
    """

    title: str
    class_names: tuple[str, ...] = field(repr=False)
    videos: tuple[LabeledVideo, ...] = field(repr=False)
    models: tuple[MappedModel, ...]
    projection: Projection
    seed: int
    groups: int
    remarks: tuple[str, ...] = ()


def make_map(embedded: LabeledEmbeddings, projection: Projection | None = None, seed: int = 0) -> EmbedMap:
    """Lays videos out by each model, and scores the models.

    Raises:
        InvalidInput: the videos do not have two classes.
        MissingDependency: scikit-learn is not installed.
    """
    videos = embedded.videos
    labels = np.array([video.label for video in videos], np.int64)
    groups = independent_groups(videos)
    chosen = projection or choose_projection(len(videos))
    models: list[MappedModel] = []
    for name, embeddings in embedded.by_model:
        scores = separation(embeddings, labels, groups)
        against = gain(scores, models[0].separation, groups) if models else None
        models.append(MappedModel(name, project(embeddings, chosen, seed), scores, against))
    return EmbedMap(
        embedded.title,
        embedded.class_names,
        videos,
        tuple(models),
        chosen,
        seed,
        len(set(groups)),
        embedded.remarks,
    )


def choose_projection(videos: int) -> Projection:
    """t-SNE for up to a few thousand videos, otherwise PCA."""
    return "t-SNE" if FEWEST_FOR_TSNE <= videos <= MOST_FOR_TSNE else "PCA"


def project(embeddings: Embeddings, projection: Projection, seed: int) -> Points:
    """Lays embeddings (N, D), at least two, of length 1, out in the plane; the same seed gives the same points.

    t-SNE starts from the principal components; its perplexity is 30, or a third of the number of videos if that is
    less. The layout is turned so that it lies on its long side, which leaves the least space empty.

    Returns:
        float64 (N, 2), centered, and scaled so that the first direction goes from -1 to 1.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    spread = embeddings.astype(np.float64)
    if projection == "PCA":
        laid_out = PCA(2, random_state=seed).fit_transform(spread)
    else:
        perplexity = min(PERPLEXITY, (len(spread) - 1) / 3)
        laid_out = TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(spread)
    points = _on_its_long_side(np.asarray(laid_out, np.float64))
    least, largest = points.min(0), points.max(0)
    reach = float((largest - least).max()) / 2
    fitted: Points = (points - (least + largest) / 2) / (reach or 1.0)
    return fitted


def _on_its_long_side(points: Points) -> Points:
    """Turns points (N, 2) so that their bounding box is the flattest that a turn by whole degrees gives."""
    angles = np.deg2rad(np.arange(180))
    x, y = points[:, :1], points[:, 1:]
    across, up = x * np.cos(angles) - y * np.sin(angles), x * np.sin(angles) + y * np.cos(angles)  # (N, 180)
    flatness = np.ptp(up, axis=0) / np.maximum(np.ptp(across, axis=0), np.finfo(np.float64).tiny)
    best = int(flatness.argmin())
    return np.stack([across[:, best], up[:, best]], axis=1)


def separation_text(estimate: Estimate | None, *, is_gain: bool = False) -> str:
    """A silhouette, a purity or a difference of them with its interval: `0.213 [0.150, 0.270]`."""
    if estimate is None:
        return "–"
    sign = "+" if is_gain else ""
    interval = "" if estimate.low is None else f" [{estimate.low:{sign}.3f}, {estimate.high:{sign}.3f}]"
    return f"{estimate.value:{sign}.3f}{interval}"
