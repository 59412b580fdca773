"""The index that an evaluation searches: the user's own, or a temporary one of the tested videos."""

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vifi_cli.api.evaluation.testing import DIGEST_SHOWN
from vifi_cli.api.feedback import Feedback
from vifi_cli.disk.replacement import temporary_folder
from vifi_cli.errors import IndexMissing
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.encoder import Encoder, TextEncoder
from vifi_cli.index.update.indexer import update_index
from vifi_cli.index.update.shards import indexed_with, sampling_for
from vifi_cli.paths import index_folder, unicode_form
from vifi_cli.video.files.content import is_there
from vifi_cli.video.files.discovery import find_videos
from vifi_cli.wording import as_argument, counted

TEXTS_AT_ONCE = 256
OWN_INDEX, MADE_INDEX = "the present index", "an index made for this test"


def own_index(*, is_needed: bool) -> AbstractContextManager[Catalog | None]:
    """The user's index, or None if there is none and none is needed; raises IndexMissing if one is."""
    try:
        return Catalog(index_folder() / CATALOG_FILE)
    except IndexMissing:
        if is_needed:
            raise
        return nullcontext()


@contextmanager
def temporary_index(
    videos: Sequence[Path], encoder: Encoder, like: Catalog | None, feedback: Feedback
) -> Iterator[Catalog]:
    """An index of these videos, with frames as dense as in the user's own index, or as the encoder's clips need."""
    sampling = sampling_for(encoder, like=like.indexed_with if like else None)
    with (
        temporary_folder(Path(tempfile.gettempdir(), "tested-index")) as folder,
        Catalog.create(folder / CATALOG_FILE, indexed_with(encoder, sampling)) as catalog,
        feedback.task("Indexing", len(videos), "videos") as report,
    ):
        update_index(
            catalog,
            find_videos(videos),
            videos,
            lambda: encoder,
            on_progress=lambda progress: report(progress.files_done),
        )
        yield catalog


def embedded(texts: Sequence[str], encoder: TextEncoder) -> npt.NDArray[np.float32]:
    """The embeddings of texts, float32 (N, D), each of length 1."""
    starts = range(0, len(texts), TEXTS_AT_ONCE)
    return np.concatenate([encoder.encode_texts(texts[start : start + TEXTS_AT_ONCE]) for start in starts])


def indexed_ids(videos: Iterable[Path], catalog: Catalog) -> dict[Path, int]:
    """The index's ids of videos, by path or, through links, by the file itself; without those not in the index."""
    by_path = {video.path: video.id for video in catalog.videos()}
    by_file = {os.path.realpath(path): video_id for path, video_id in by_path.items()}
    by_form = {unicode_form(path): video_id for path, video_id in by_path.items()}
    ids = {
        video: by_path.get(video, by_file.get(os.path.realpath(video), by_form.get(unicode_form(video))))
        for video in videos
    }
    return {video: video_id for video, video_id in ids.items() if video_id is not None}


def why_not_indexed(path: Path, catalog: Catalog, missing: Sequence[Path], *, if_absent: str) -> str:
    """That videos of a query file are not in the index, why the first one is not, and what to do."""
    reasons = {failed.file.path: failed.reason for failed in catalog.failures()}
    passing = {failed.file.path: failed.reason for failed in catalog.postponed()}
    first = missing[0]
    problem = f"{path} names {counted(len(missing), 'video')} not in the index, such as {first}"
    if first in reasons:
        return f"{problem}, which cannot be read ({reasons[first]}): remove its lines"
    if first in passing:
        return f"{problem}, which was out of reach ({passing[first]}): run `vifi index` again"
    if not is_there(first):
        return f"{problem}, which is not on disk either: {if_absent}"
    return f"{problem}: run `vifi index {as_argument(first.parent)}`, or remove their lines"


def index_in_words(catalog: Catalog, text: TextEncoder, index: str) -> str:
    """Which index, how dense its frames are, and the towers behind it."""
    made_with = catalog.indexed_with
    towers = made_with.vision_fingerprint[:DIGEST_SHOWN], text.text_fingerprint[:DIGEST_SHOWN]
    return (
        f"{index}, {made_with.frames_per_second:g} frames a second, {made_with.minimum_frames} at least; "
        f"image tower {towers[0]}, text tower {towers[1]}"
    )
