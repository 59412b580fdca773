"""Maps of labelled videos: how each model lays them out, and how well it separates the classes."""

from dataclasses import dataclass, field

import numpy as np

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.evaluation.embed_map.projection import Points, Projection, choose_projection, project
from vifi_cli.evaluation.embed_map.separation import Gain, Separation, gain, separation
from vifi_cli.evaluation.scoring.confidence_intervals import Estimate, independent_groups
from vifi_cli.evaluation.testing.embedding import Embeddings


@dataclass(frozen=True, slots=True, eq=False)
class LabeledEmbeddings:
    """The same labelled videos, embedded by each model.

    Attributes:
        title: of the map.
        class_names: in the order of their labels.
        videos: N of them.
        by_model: each model's name, and its embeddings float32 (N, D), of length 1.
        remarks: notes for the reader, a sentence each.
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

    def __repr__(self) -> str:
        scores = self.separation
        texts = separation_text(scores.silhouette), separation_text(scores.purity)
        return f"MappedModel({self.name!r}, silhouette {texts[0]}, nearest neighbour {texts[1]})"


@dataclass(frozen=True, slots=True, eq=False)
class EmbedMap:
    """The same videos as several models lay them out.

    Attributes:
        title: of the map.
        class_names: in the order of their labels.
        videos: N of them.
        models: at least one; the others are compared with the first.
        projection: that gave the points.
        seed: of the projection.
        groups: number of groups that intervals are drawn over; 0 if they are drawn over videos.
        remarks: notes for the reader, a sentence each.
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

    Args:
        embedded: the videos.
        projection: None for the one that suits the number of videos.
        seed: of the projection.

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
        title=embedded.title,
        class_names=embedded.class_names,
        videos=videos,
        models=tuple(models),
        projection=chosen,
        seed=seed,
        groups=len(set(groups)),
        remarks=embedded.remarks,
    )


def separation_text(estimate: Estimate | None, *, is_gain: bool = False) -> str:
    """A silhouette, a purity or a difference of them with its interval: `0.213 [0.150, 0.270]`."""
    if estimate is None:
        return "–"
    sign = "+" if is_gain else ""
    interval = "" if estimate.low is None else f" [{estimate.low:{sign}.3f}, {estimate.high:{sign}.3f}]"
    return f"{estimate.value:{sign}.3f}{interval}"
