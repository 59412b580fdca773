"""Whether an ordered query finds the recording that shows its steps in the order asked, and how long that takes:

    python -m tests.benchmarks.ordered_search [--triples 300] [--files 3]
    python -m tests.benchmarks.ordered_search --windows 1000000

Needs the captioned clips of ../shared/videos/search; the captions are the steps. Each library has five recordings of
five clips: one with the steps in the order asked, one with them in another order, and three without them, filled up
with other clips. Every ordered pair of clips is asked once, and triples are drawn. Recordings are made in the index:
the frame embeddings of clips, 1 a second, laid end to end. For the first `--files` pairs they are also joined as
files, indexed as `vifi index` does, and both answers compared.

A step is *found alone* if a plain search for it in the same library ranks a moment of its clip first.

With `--windows`, an index of made videos of about an hour is searched for one step, and for two and three, in one
process: the median over queries, and its ratio to the plain search.
"""

import argparse
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import permutations
from pathlib import Path
from statistics import median

import numpy as np

from tests.benchmarks.joined_recordings import join
from tests.benchmarks.measuring import show_machine, show_table
from tests.benchmarks.relevance_quality import captions
from tests.benchmarks.relevance_search import index_clips
from tests.benchmarks.search_speed import fill, seconds_of
from tests.benchmarks.window_lengths import Frames, Recording, Scene, read_clips, record
from vifi_cli.index.arrays import Float32Array
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.catalog.records import EncodedVideo
from vifi_cli.index.relevance.calibration import NeutralTexts, read_neutral_texts, text_rater
from vifi_cli.index.search.order.step_moments import SoughtStep
from vifi_cli.index.search.query import combine
from vifi_cli.index.search.ranking import RankingOptions
from vifi_cli.index.search.video_index import SearchHit, VideoIndex
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import ViFiEncoder, load_encoder
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.video_file import VideoFile
from vifi_cli.video.pictures.frames import VideoInfo

SAMPLING = FrameSampling(minimum_frames=1)
RECORDINGS, CLIPS_EACH = 5, 5
RIGHT, OTHER_ORDER = "right.mp4", "other_order.mp4"
AMONG_FIRST = 5
SHOWN = 0.3
NOT_FOUND = 1000
QUERIES = (
    ("a dog runs on a beach", "playing guitar", "a red car turns"),
    ("people dance", "a cat on a sofa", "a man cooks"),
    ("a train arrives", "children play football", "snow falls on a street"),
)


Rated = tuple[tuple[float, bool], ...]
"""The relevance of each hit, and whether it is right."""


@dataclass(frozen=True, slots=True, eq=False)
class Library:
    """Five recordings by their names, and the clips that are asked for in order."""

    recordings: Mapping[str, Recording]
    steps: Sequence[Path]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a library was searched."""

    ranks: tuple[int, ...]  # of the first moment of each step's clip in a plain search for it
    by_relevance: SearchHit | None
    by_cosine: SearchHit | None
    by_sum: SearchHit | None
    shown_wrong: int  # relevant hits of other recordings
    is_located: bool  # each step of the best hit is in its clip
    rated: Rated  # its hits, right where each of their steps is in its clip
    rated_alone: Rated  # those of a plain search for the first step


def libraries(
    clips: Mapping[Path, Frames], asked: Sequence[Sequence[Path]], generator: np.random.Generator
) -> Iterator[Library]:
    """A library for each sequence of clips."""
    for steps in asked:
        rest = [clip for clip in clips if clip not in steps]
        orders = [order for order in permutations(steps) if order != tuple(steps)]
        contents = {RIGHT: list(steps), OTHER_ORDER: list(orders[generator.integers(len(orders))])}
        contents |= {f"without{n}.mp4": [] for n in range(RECORDINGS - len(contents))}
        recordings = {}
        for name, within in contents.items():
            fillers = [rest[i] for i in generator.permutation(len(rest))[: CLIPS_EACH - len(within)]]
            for clip in fillers:
                within.insert(int(generator.integers(len(within) + 1)), clip)
            recordings[name] = record([(clip, None) for clip in within], clips, generator)
        names = [list(recordings)[i] for i in generator.permutation(len(recordings))]
        yield Library({name: recordings[name] for name in names}, steps)


def store(library: Library, folder: Path, encoder: ViFiEncoder) -> None:
    """Writes an index of a library's recordings from the embeddings of their frames."""
    with Catalog.create(folder / CATALOG_FILE, indexed_with(encoder, SAMPLING)) as catalog:
        for number, (name, recording) in enumerate(library.recordings.items()):
            frames = recording.frames
            catalog.store(
                EncodedVideo(
                    file=VideoFile(Path(f"/recordings/{name}"), 1000 + number, number),
                    fingerprint=name,
                    info=VideoInfo(frames.duration_seconds, 320, 240, "h264", "keyframes"),
                    seconds=frames.seconds,
                    embeddings=frames.embeddings,
                )
            )


def ask(folder: Path, library: Library, texts: Mapping[Path, Float32Array], neutral: NeutralTexts) -> Outcome:
    """Searches an index of a library in all ways."""
    rate = text_rater(folder, neutral)
    steps = [SoughtStep(clip.name, texts[clip], rate) for clip in library.steps]
    everything = RankingOptions(top=0, per_video=0)
    with VideoIndex(folder) as index:
        alone = [index.search(step.embedding, everything) for step in steps]
        ranks = [
            next((n for n, hit in enumerate(hits, 1) if is_in_clip(library, hit.path, hit, clip)), NOT_FOUND)
            for hits, clip in zip(alone, library.steps, strict=True)
        ]
        rated = index.search_in_order(steps)
        unrated = index.search_in_order([replace(step, rate=None) for step in steps])
        of_first_step = index.search(steps[0].embedding, rate=rate)
        summed = index.search(combine(np.stack([step.embedding for step in steps]), [1.0] * len(steps)))
    located = [
        hit.path.name == RIGHT
        and all(
            is_in_clip(library, hit.path, step, clip)
            for step, clip in zip(hit.steps, library.steps, strict=True)
        )
        for hit in rated
    ]
    first = library.steps[0]
    alone_rated = tuple(
        (hit.relevance or 0, is_in_clip(library, hit.path, hit, first)) for hit in of_first_step
    )
    wrong = [hit for hit in rated if hit.path.name != RIGHT and (hit.relevance or 0) >= SHOWN]
    firsts = (hits[0] if hits else None for hits in (rated, unrated, summed))
    of_hits = tuple((hit.relevance or 0, right) for hit, right in zip(rated, located, strict=True))
    return Outcome(tuple(ranks), *firsts, len(wrong), bool(located) and located[0], of_hits, alone_rated)


def is_in_clip(library: Library, path: Path, moment: object, clip: Path) -> bool:
    """Whether the middle of a moment is in a clip."""
    start, end = getattr(moment, "start_seconds"), getattr(moment, "end_seconds")  # noqa: B009
    scenes: Sequence[Scene] = library.recordings[path.name].scenes
    return any(
        scene.clip == clip and scene.start_seconds <= (start + end) / 2 < scene.end_seconds
        for scene in scenes
    )


def is_right(hit: SearchHit | None) -> bool:
    return hit is not None and hit.path.name == RIGHT


def rows(outcomes: Sequence[Outcome]) -> Iterator[list[str]]:
    """A row for steps that are found alone, found among the first few, and the others."""
    groups = {
        "each found alone": [one for one in outcomes if max(one.ranks) == 1],
        f"each among the first {AMONG_FIRST}": [one for one in outcomes if 1 < max(one.ranks) <= AMONG_FIRST],
        "others": [one for one in outcomes if max(one.ranks) > AMONG_FIRST],
    }
    for name, group in groups.items():
        ways = {
            "then": [is_right(one.by_relevance) for one in group],
            "located": [is_right(one.by_relevance) and one.is_located for one in group],
            "cosine": [is_right(one.by_cosine) for one in group],
            "sum": [is_right(one.by_sum) for one in group],
        }
        shown = [hit for one in group if (hit := one.by_relevance) and is_right(hit)]
        certain = sum((hit.relevance or 0) >= SHOWN for hit in shown)
        cells = [f"{sum(right)} ({np.mean(right):.1%})" if right else "" for right in ways.values()]
        yield [name, f"{len(group)}", *cells, f"{certain}", f"{sum(one.shown_wrong for one in group)}"]


def in_bands(outcomes: Sequence[Outcome], steps: int) -> Iterator[list[str]]:
    """How often hits are right, by their relevance, beside a product of relevances, and a plain search."""
    hits = [hit for one in outcomes for hit in one.rated]
    ways = {
        "then": hits,
        "product": [(relevance**steps, right) for relevance, right in hits],
        "first step alone": [hit for one in outcomes for hit in one.rated_alone],
    }
    for low, high in ((0.7, 1.01), (0.5, 0.7), (SHOWN, 0.5), (0.1, SHOWN), (0.0, 0.1)):
        cells = []
        for rated in ways.values():
            group = [(relevance, right) for relevance, right in rated if low <= relevance < high]
            mean, share = np.mean(group, axis=0) if group else (0.0, 0.0)
            cells.append(f"{mean:.2f}, {share:.2f} of {len(group)}")
        yield [f"{low:g} to {min(high, 1):g}", *cells]


def as_files(
    folder: Path, library: Library, texts: Mapping[Path, Float32Array], neutral: NeutralTexts
) -> Outcome:
    """The same of files that join the clips."""
    movies = folder / "movies"
    movies.mkdir(parents=True)
    for name, recording in library.recordings.items():
        join([scene.clip for scene in recording.scenes], movies / name)
    index_clips(folder / "index", [movies], "starter")
    return ask(folder / "index", library, texts, neutral)


def show_order(triples: int, files: int) -> None:
    """Shows how often the right recording comes first."""
    encoder = load_encoder(resolve_model("starter"), "cpu")
    clips = read_clips(encoder, SAMPLING)
    queries = captions()
    embedded = encoder.encode_texts([query.text for query in queries])
    texts = {
        clip: embedding
        for query, embedding in zip(queries, embedded, strict=True)
        for clip in clips
        if query.is_shown_by(clip)
    }
    generator = np.random.default_rng(0)
    drawn = [[list(texts)[i] for i in generator.permutation(len(texts))[:3]] for _ in range(triples)]
    heads = (
        "steps",
        "queries",
        "then: right first",
        "each step in its clip",
        "by cosine",
        "sum",
        "shown",
        "wrong shown",
    )
    with tempfile.TemporaryDirectory() as temporary:
        neutral = read_neutral_texts(Path(temporary) / "cache", encoder.text_fingerprint, lambda: encoder)
        for name, asked in (("Pairs", list(map(list, permutations(texts, 2)))), ("Triples", drawn)):
            outcomes = []
            for number, library in enumerate(libraries(clips, asked, generator)):
                folder = Path(temporary) / f"{name}{number}"
                store(library, folder, encoder)
                outcomes.append(ask(folder, library, texts, neutral))
                shutil.rmtree(folder)
                if name == "Pairs" and number < files:
                    real = as_files(folder, library, texts, neutral)
                    shutil.rmtree(folder)
                    print(f"made in the index: {outcomes[-1].by_relevance}; as files: {real.by_relevance}")
            show_table(
                f"{name} of {len(texts)} clips, libraries of {RECORDINGS} recordings",
                heads,
                list(rows(outcomes)),
            )
            heads_of_bands = ("relevance", "then: mean, right", "product", "first step alone")
            bands = list(in_bands(outcomes, len(outcomes[0].ranks)))
            show_table(
                f"All hits of {name.lower()}, right where each step is in its clip", heads_of_bands, bands
            )


def show_speed(windows: int) -> None:
    """Shows how long searches for one, two and three steps take in a large index."""
    encoder = load_encoder(resolve_model("starter"), "cpu")
    embedded = [encoder.encode_texts(list(query)) for query in QUERIES]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "index"
        neutral = read_neutral_texts(Path(temporary) / "cache", encoder.text_fingerprint, lambda: encoder)
        with Catalog.create(folder / CATALOG_FILE, indexed_with(encoder, SAMPLING)) as catalog:
            videos = fill(catalog, windows)
        rate = text_rater(folder, neutral)
        with VideoIndex(folder) as index:
            index.search(embedded[0][0], rate=rate)  # makes the vectors and the calibration

            def plain(texts: Float32Array) -> None:
                index.search(texts[0], rate=rate)

            def ordered(texts: Float32Array, count: int, rated: bool = True) -> None:
                index.search_in_order(
                    [SoughtStep("", text, rate if rated else None) for text in texts[:count]]
                )

            ways: dict[str, Callable[[Float32Array], None]] = {
                "one step": plain,
                "two steps": lambda texts: ordered(texts, 2),
                "three steps": lambda texts: ordered(texts, 3),
                "two steps, by cosine": lambda texts: ordered(texts, 2, False),
            }
            taken = {
                name: median(seconds_of(partial(way, texts)) for texts in embedded)
                for name, way in ways.items()
            }
    cells = [
        [name, f"{1000 * seconds:.0f}", f"{seconds / taken['one step']:.1f}"]
        for name, seconds in taken.items()
    ]
    show_table(f"{windows:,} windows of {videos} made videos", ("query", "ms", "times a plain search"), cells)


def main() -> None:
    """Shows what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--triples", type=int, default=300)
    parser.add_argument("--files", type=int, default=3)
    parser.add_argument("--windows", type=int)
    given = parser.parse_args()
    show_machine()
    if given.windows:
        show_speed(given.windows)
    else:
        show_order(given.triples, given.files)


if __name__ == "__main__":
    main()
