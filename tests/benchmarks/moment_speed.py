"""How long `vifi eval --setting moments` and `corpus-moments` take to rank, without encoding:

    python -m tests.benchmarks.moment_speed

Catalogs of made videos, with random walks for embeddings, and random queries, in the sizes of QVHighlights val and of
Charades-STA test; 800 MB of disk while it runs.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.benchmarks.measuring import show_machine, show_table
from tests.benchmarks.search_speed import made_video
from tests.color_encoder import ColorEncoder
from vifi_cli.api.evaluation.searched.answers import Scope, answer
from vifi_cli.api.evaluation.searched.tested_queries import AnswerableQueries
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.evaluation.moments.queries import MomentQuery
from vifi_cli.evaluation.moments.scoring import estimates_of
from vifi_cli.index.arrays import Float32Array
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.moment import TimeRange

SIZES = {"QVHighlights val": (1529, 150, 1550), "Charades-STA test": (1334, 30, 3720)}
"""Videos, seconds of each, and queries."""
DIMENSION = 512


class RandomTexts(ColorEncoder):
    """Embeds each text as a random vector of length 1."""

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        vectors = np.random.default_rng(len(texts)).standard_normal((len(texts), DIMENSION), np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def asked(catalog: Catalog, seconds: int, queries: int) -> AnswerableQueries:
    """Queries with a window of 10 s each, spread over the videos of a catalog."""
    videos = catalog.videos()
    names = {video.id: video.path.stem for video in videos}
    starts = np.random.default_rng(0).integers(0, seconds - 10, queries).tolist()
    made = tuple(
        MomentQuery(
            place,
            f"query {place}",
            videos[place % len(videos)].path.stem,
            (TimeRange(start, start + 10),),
            "",
        )
        for place, start in enumerate(starts)
    )
    ids = {name: video_id for video_id, name in names.items()}
    return AnswerableQueries(made, ids, dict.fromkeys(ids, float(seconds)), names, ())


def main() -> None:
    """Shows the seconds of each size in both scopes."""
    show_machine()
    encoder = RandomTexts(dimension=DIMENSION)
    rows = []
    for name, (videos, seconds, queries) in SIZES.items():
        with (
            tempfile.TemporaryDirectory() as folder,
            Catalog.create(Path(folder) / CATALOG_FILE, indexed_with(encoder, FrameSampling())) as catalog,
        ):
            for number in range(videos):
                catalog.store(made_video(number, seconds, DIMENSION))
            for scope in ("own video", "index"):
                rows.append(
                    [name, str(len(catalog.window_ids())), *timed(catalog, encoder, seconds, queries, scope)]
                )
    show_table(
        "Ranking moments",
        ("size of", "windows", "where", "vectors, s", "ranking, s", "ms a query", "intervals, s"),
        rows,
    )


def timed(catalog: Catalog, encoder: RandomTexts, seconds: int, queries: int, scope: Scope) -> list[str]:
    """The seconds of the first query, which makes or opens the vector file, of all others, and of the intervals."""
    few, all_of_them = asked(catalog, seconds, 1), asked(catalog, seconds, queries)
    begin = time.perf_counter()
    answer(few, catalog, encoder, scope, AUTOMATIC)
    ready = time.perf_counter()
    answers = answer(all_of_them, catalog, encoder, scope, AUTOMATIC)
    ranked = time.perf_counter()
    estimates_of(answers.measures, answers.asked.videos)
    done = time.perf_counter()
    each = 1000 * (ranked - ready) / queries
    return [scope, f"{ready - begin:.1f}", f"{ranked - ready:.0f}", f"{each:.0f}", f"{done - ranked:.1f}"]


if __name__ == "__main__":
    main()
