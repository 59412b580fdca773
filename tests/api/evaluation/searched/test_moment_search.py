"""Moments of made videos: those of a search, and never better than the bound."""

from pathlib import Path

import numpy as np

from tests.color_encoder import ColorEncoder
from tests.index.conftest import encoded_video
from vifi_cli.api.evaluation.searched.moment_search import moment_search
from vifi_cli.evaluation.moments.reachable import best_reachable_iou
from vifi_cli.evaluation.moments.scoring import MOST_PREDICTIONS, overlaps
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.video_filter import VideoFilter
from vifi_cli.index.search.folding import LONGEST_MOMENT_SECONDS
from vifi_cli.index.search.ranking import RankingOptions
from vifi_cli.index.search.video_index import VideoIndex
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.video.decode.frame_sampling import FrameSampling

SECONDS = (1, 7, 30, 47, 150)


def test_moments_are_those_of_a_search_and_within_the_bound(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    with Catalog.create(tmp_path / CATALOG_FILE, indexed_with(ColorEncoder(), FrameSampling())) as catalog:
        for seconds in SECONDS:
            scenes = np.repeat(random.standard_normal((seconds // 5 + 1, 3)), 5, axis=0)[:seconds]
            catalog.store(encoded_video(f"/videos/{seconds}.mp4", scenes.tolist(), f"content {seconds}"))
        queries = random.standard_normal((4, 3)).astype(np.float32)
        queries /= np.linalg.norm(queries, axis=1, keepdims=True)
        with moment_search(catalog) as search, VideoIndex(tmp_path) as index:
            for video in catalog.videos():
                edges, end = search.edges(video.id), video.duration_seconds
                for query in queries:
                    found = [
                        (each.start_seconds, each.end_seconds, each.score)
                        for each in search.in_video(query, video.id)
                    ]
                    only = RankingOptions(
                        top=MOST_PREDICTIONS, per_video=0, among=VideoFilter(path_pattern=str(video.path))
                    )
                    hits = [
                        (hit.start_seconds, hit.end_seconds, hit.cosine) for hit in index.search(query, only)
                    ]
                    assert found == hits
                    true = np.sort(random.uniform(0, end, (3, 2)), axis=1)
                    best = overlaps(np.array(found)[:, :2], true).max()
                    assert best <= best_reachable_iou(edges, true, LONGEST_MOMENT_SECONDS) + 1e-9
