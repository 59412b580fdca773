"""Searches with a concept alone: what it finds beyond the moments that taught it, and those marked right."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from vifi_cli.index.arrays import Float32Array
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.concepts.concept import Mark
from vifi_cli.index.concepts.marked import FoundMark, found_marks
from vifi_cli.index.relevance.calibration import Rater
from vifi_cli.index.search.folding import ScoredWindow, shows_same
from vifi_cli.index.search.ranking import RankingOptions
from vifi_cli.index.search.video_index import SearchHit, VideoIndex


def search_concept(
    index: VideoIndex, query: Float32Array, marks: Sequence[Mark], options: RankingOptions, rate: Rater | None
) -> list[SearchHit]:
    """The finds, best first, and after them the moments marked right, at most `options.top` of each.

    Windows that show what is marked are part of no find. Where hits are videos, those with a moment marked right, or
    mostly marked wrong, are not finds either.
    """
    catalog = index.catalog
    with catalog.snapshot():
        found = found_marks(catalog, marks)
        hidden = frozenset(_window_ids_about(catalog, found, options))
        among = set(catalog.video_ids_among(options.among))
        right = [one for one in found if one.mark.is_right and one.video.id in among]
        cosines = np.array([_embed(catalog, one) @ query for one in right], np.float32)
    finds = index.search(query, replace(options, without_windows=hidden), rate)
    relevance = rate(index.vectors, query, cosines).tolist() if rate and right else [None] * len(right)
    marked = [
        SearchHit(
            one.video.path,
            one.mark.start_seconds,
            one.mark.end_seconds,
            float(cosine),
            relevant,
            0 if options.fold_duplicates else None,
            marked="right",
        )
        for one, cosine, relevant in zip(right, cosines, relevance, strict=True)
    ]
    return finds + _best(marked, options)


def _window_ids_about(catalog: Catalog, found: Sequence[FoundMark], options: RankingOptions) -> Iterator[int]:
    """The windows that show a marked moment: those that share half of its time with it, or half of their own."""
    for one in found:
        length = one.mark.end_seconds - one.mark.start_seconds
        if options.by == "video" and (one.mark.is_right or 2 * length >= one.video.duration_seconds):
            yield from catalog.window_ids_of([one.video.id]).tolist()
            continue
        moment = ScoredWindow(one.video.id, one.mark.start_seconds, one.mark.end_seconds, 0.0)
        near = catalog.window_ids_near(one.video.id, moment.start_seconds, moment.end_seconds)
        for window_id, video_id, start, end, _ in catalog.windows(near):
            if shows_same(ScoredWindow(video_id, start, end, 0.0), moment):
                yield window_id


def _embed(catalog: Catalog, one: FoundMark) -> Float32Array:
    return catalog.embedding_of(one.video.id, one.mark.start_seconds, one.mark.end_seconds)


def _best(marked: list[SearchHit], options: RankingOptions) -> list[SearchHit]:
    """The marked moments, best first, or the best one of each video."""
    ranked = sorted(marked, key=lambda hit: -hit.cosine)
    if options.by == "video":
        ranked = list({hit.path: hit for hit in reversed(ranked)}.values())
        ranked.sort(key=lambda hit: -hit.cosine)
    return ranked[: options.top or None]
