"""Maps of videos: how models lay them out, by class, and how far they keep the classes apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.evaluation.embed_map.projection import Points, Projection, choose_projection, project
from vifi_cli.evaluation.embed_map.separation import Gain, Separation, gain, separation
from vifi_cli.evaluation.scoring.confidence_intervals import Estimate, independent_groups
from vifi_cli.evaluation.testing.embedding import Embeddings


@dataclass(frozen=True, slots=True, eq=False)
class MappedModel:
    """A model's map.

    Attributes:
        name: of the model.
        points: where the videos are, float64 (N, 2), from -1 to 1.
        separation: how far it keeps the classes apart.
        gain: against the first model; None of the first model itself.
    """

    name: str
    points: Points
    separation: Separation
    gain: Gain | None


@dataclass(frozen=True, slots=True, eq=False)
class EmbedMap:
    """The same videos as several models lay them out.

    Attributes:
        title: what the videos are.
        class_names: a label is a place in here.
        videos: N of them.
        models: at least one; the others are compared with the first.
        projection: how points were found.
        seed: of what was drawn.
        groups: how many groups intervals were drawn over; 0 where videos were.
        remarks: what should be known, a sentence each.
    """

    title: str
    class_names: tuple[str, ...]
    videos: tuple[LabeledVideo, ...]
    models: tuple[MappedModel, ...]
    projection: Projection
    seed: int
    groups: int
    remarks: tuple[str, ...] = ()


def make_map(
    title: str,
    class_names: Sequence[str],
    videos: Sequence[LabeledVideo],
    embedded: Sequence[tuple[str, Embeddings]],
    seed: int = 0,
    projection: Projection | None = None,
    remarks: Sequence[str] = (),
) -> EmbedMap:
    """Lay videos out by each model, and score it.

    Args:
        title: what the videos are.
        class_names: of their labels.
        videos: N of them.
        embedded: each model's name, and its embeddings of all the videos, float32 (N, D), of length 1.
        seed: of what is drawn.
        projection: None for the one that suits so many videos.
        remarks: what should be known.

    Raises:
        InvalidInput: the videos have no two classes to be kept apart.
        MissingDependency: scikit-learn is not installed.
    """
    labels = np.array([video.label for video in videos], np.int64)
    groups = independent_groups(videos)
    chosen = projection or choose_projection(len(videos))
    models: list[MappedModel] = []
    for name, embeddings in embedded:
        scores = separation(embeddings, labels, groups)
        against = gain(scores, models[0].separation, groups) if models else None
        models.append(MappedModel(name, project(embeddings, chosen, seed), scores, against))
    return EmbedMap(
        title,
        tuple(class_names),
        tuple(videos),
        tuple(models),
        chosen,
        seed,
        len(set(groups)),
        tuple(remarks),
    )


def separation_text(estimate: Estimate | None, *, is_gain: bool = False) -> str:
    """A silhouette, a purity or a difference of them with its interval: `0.213 [0.150, 0.270]`."""
    if estimate is None:
        return "–"
    sign = "+" if is_gain else ""
    interval = "" if estimate.low is None else f" [{estimate.low:{sign}.3f}, {estimate.high:{sign}.3f}]"
    return f"{estimate.value:{sign}.3f}{interval}"
