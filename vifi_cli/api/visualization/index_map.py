"""The videos of the index for a map, with their folders as classes."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vifi_cli.api.evaluation.request import shown_model
from vifi_cli.api.visualization.embedding_map import title_of_map
from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.embed_map.embed_map import LabeledEmbeddings
from vifi_cli.evaluation.embed_map.separation import check_separable
from vifi_cli.evaluation.testing.predicting import Embeddings
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.records import CatalogedVideo
from vifi_cli.index.windows import window_embeddings
from vifi_cli.paths import searched_index_folder

MOST_VIDEOS = 20_000


def embed_index(seed: int) -> LabeledEmbeddings:
    """The videos of the index, each the mean of its frames; their folders are the classes.

    The seed chooses the videos if there are more than 20,000.

    Raises:
        IndexMissing: nothing is indexed.
    """
    with Catalog(searched_index_folder() / CATALOG_FILE) as catalog, catalog.snapshot():
        every = catalog.videos()
        if not every:
            raise InvalidInput("the index is empty: `vifi index FOLDER` adds videos")
        drawn = np.random.default_rng(seed).permutation(len(every))[:MOST_VIDEOS]
        chosen = [every[place] for place in np.sort(drawn).tolist()]
        class_names, labels = _folders([video.path for video in chosen])
        check_separable(labels, "of the index, each folder is a class; --data maps labeled videos")
        embeddings = np.concatenate([_embedding_of(catalog, video) for video in chosen])
        model = catalog.indexed_with.model
    remarks = [f"drawn from the {len(every):,} videos of the index"] if len(chosen) < len(every) else []
    return LabeledEmbeddings(
        title=title_of_map("index", len(chosen), len(class_names)),
        class_names=class_names,
        videos=tuple(LabeledVideo(video.path, label) for video, label in zip(chosen, labels, strict=True)),
        by_model=((shown_model(model), embeddings),),
        remarks=tuple(remarks),
    )


def _embedding_of(catalog: Catalog, video: CatalogedVideo) -> Embeddings:
    """float32 (1, D), of length 1."""
    seconds, frames = catalog.frames(video.id)
    return window_embeddings(frames, np.array([[0, len(seconds)]]))


def _folders(videos: Sequence[Path]) -> tuple[tuple[str, ...], list[int]]:
    """The names of the videos' folders, relative to their common folder, and the label of each video."""
    folders = [video.parent for video in videos]
    common = Path(os.path.commonpath(folders))
    names = [str(folder.relative_to(common)) if folder != common else common.name for folder in folders]
    known = {name: label for label, name in enumerate(sorted(set(names)))}
    return tuple(known), [known[name] for name in names]
