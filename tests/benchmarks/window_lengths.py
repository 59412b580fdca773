"""What windows of several lengths bring against windows of one length and against one vector a video:

    python -m tests.benchmarks.window_lengths [--model MODEL]

Needs the reference clips in ../shared/videos/search. Asked are their captions and the short queries of
`queries/search_present.csv`. Windows, their embeddings and the folding into moments are the program's own.

1. The clips as separate videos, ranked by their best window. Frames as `vifi index` takes them: 1 a second, at least 8.
2. The same clips as scenes of longer recordings: frame embeddings, 1 a second, laid end to end on one time axis. Of
   each of many rounds, every clip is a scene once; the order is drawn, and so is what length a scene has. A scene that
   is longer than its clip shows it over and over, one that is shorter begins anywhere in it. What counts is where the
   best moment of all recordings lies: its middle in a scene that shows what was asked for (hit), and the overlap
   with that scene over what both cover together (IoU, 0 for a wrong scene). A recording with one vector has no
   moments; of it counts only whether a recording with the right scene comes first.

Intervals are 95 %, bootstrapped over the clips that are asked for, each with all its queries and rounds.
"""

import argparse
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.benchmarks.measuring import show_machine, show_table
from tests.benchmarks.relevance_quality import CLIPS, captions
from tests.benchmarks.relevance_search import Query, queries_of
from tests.decoded_videos import read_video
from vifi_cli.evaluation.scoring.confidence_intervals import bootstrap_means, interval_of
from vifi_cli.evaluation.scoring.retrieval import relevant_places
from vifi_cli.index.search.folding import ScoredWindow, fold_into_moments
from vifi_cli.index.windows import WINDOW_SECONDS, window_embeddings, windows_of
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import ViFiEncoder, load_encoder
from vifi_cli.video.decode.frame_sampling import FrameSampling

SEVERAL = "2, 8 and 32 s"
ONE_VECTOR = "one vector a video"
LENGTHS: Mapping[str, tuple[float, ...]] = {
    SEVERAL: WINDOW_SECONDS,
    **{f"{length:g} s": (length,) for length in WINDOW_SECONDS},
    ONE_VECTOR: (math.inf,),
}
SCENE_SECONDS = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
ROUNDS = 10 * len(SCENE_SECONDS)
RECORDINGS = 4
HALF = 0.5
Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """The sampled frames of a video.

    Attributes:
        seconds: float64 (T,), ascending.
        embeddings: float16 (T, D), not normalised.
        duration_seconds: of the video.
    """

    seconds: Float64Array
    embeddings: npt.NDArray[np.float16]
    duration_seconds: float


@dataclass(frozen=True, slots=True)
class Scene:
    """A clip and its place in a recording."""

    clip: Path
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Scenes one after the other, and the frames that show them."""

    frames: Frames
    scenes: tuple[Scene, ...]

    def right_scenes(self, query: Query) -> list[Scene]:
        return [scene for scene in self.scenes if query.is_shown_by(scene.clip)]


@dataclass(frozen=True, slots=True)
class Found:
    """What the best moment of a query is worth.

    Attributes:
        recording: its recording has a scene that shows what was asked for.
        hit: so does the scene that its middle lies in.
        iou: with that scene; 0 without a hit.
        scene_seconds: the length of the scene that was asked for; NaN if several are.
    """

    recording: bool
    hit: bool
    iou: float
    scene_seconds: float


def read_clips(encoder: ViFiEncoder, sampling: FrameSampling) -> dict[Path, Frames]:
    """The frames of all clips, as the index stores them."""
    clips = {}
    for path in sorted(CLIPS.glob("*.m*")):
        frames, info = read_video(path, sampling, encoder.geometry)
        embeddings = encoder.encode_frames(frames.pixels).astype(np.float16)
        clips[path] = Frames(frames.seconds, embeddings, info.duration_seconds)
    return clips


def scored_windows(
    video_id: int, video: Frames, lengths: tuple[float, ...], texts: npt.NDArray[np.float32]
) -> list[list[ScoredWindow]]:
    """The windows of a video but for that over all of it, with their cosines, for each text."""
    windows = [
        window for window in windows_of(video.seconds, video.duration_seconds, lengths) if not window.is_whole
    ]
    spans = np.array([(window.first_frame, window.end_frame) for window in windows], np.int64)
    cosines = texts @ window_embeddings(video.embeddings, spans).T
    return [
        [
            ScoredWindow(video_id, window.start_seconds, window.end_seconds, cosine)
            for window, cosine in zip(windows, row, strict=True)
        ]
        for row in cosines.tolist()
    ]


def as_separate_videos(
    clips: Mapping[Path, Frames], queries: Sequence[Query], texts: npt.NDArray[np.float32]
) -> Iterator[list[str]]:
    """Ranks the clips by their best window; a row for each way, and one for `--by video`."""
    scores = {
        name: np.array(
            [
                [max(window.score for window in row) for row in scored_windows(0, clip, lengths, texts)]
                for clip in clips.values()
            ]
        ).T
        for name, lengths in LENGTHS.items()
    }
    scores[f"{SEVERAL}, or all of it"] = np.maximum(scores[SEVERAL], scores[ONE_VECTOR])
    right = np.array([[query.is_shown_by(clip) for clip in clips] for query in queries])
    ranks = {
        name: np.array([relevant_places(*row)[0] for row in zip(score, right, strict=True)])
        for name, score in scores.items()
    }
    for name, places in ranks.items():
        gain = 1 / places - 1 / ranks[SEVERAL]
        yield [
            name,
            f"{(places <= 1).mean():.2f}",
            f"{(places <= 5).mean():.2f}",
            with_interval(1 / places, queries),
            "" if name == SEVERAL else with_interval(gain, queries, sign="+"),
        ]


def as_recordings(
    clips: Mapping[Path, Frames], lengths: Sequence[float | None], generator: np.random.Generator
) -> list[Recording]:
    """Deals the clips to recordings, in any order, each as a scene of one of the lengths (None: as it is)."""
    order = generator.permutation(len(clips))
    paths = list(clips)
    return [
        record([(paths[i], lengths[i]) for i in part], clips, generator)
        for part in np.array_split(order, RECORDINGS)
    ]


def record(
    scenes: Sequence[tuple[Path, float | None]], clips: Mapping[Path, Frames], generator: np.random.Generator
) -> Recording:
    """Lays scenes end to end."""
    now, laid, seconds, embeddings = 0.0, [], [], []
    for path, length in scenes:
        clip = clips[path]
        skipped = 0.0 if length is None else generator.uniform(0, clip.duration_seconds)
        scene_seconds = clip.duration_seconds if length is None else length
        times = over_and_over(clip, skipped + scene_seconds) - skipped
        seen = (times >= 0) & (times < scene_seconds)
        seconds.append(now + times[seen])
        embeddings.append(np.resize(clip.embeddings, (len(times), clip.embeddings.shape[1]))[seen])
        laid.append(Scene(path, now, now + scene_seconds))
        now += scene_seconds
    return Recording(Frames(np.concatenate(seconds), np.concatenate(embeddings), now), tuple(laid))


def over_and_over(clip: Frames, until_seconds: float) -> Float64Array:
    """The times of a clip's frames when it is shown again and again."""
    turns = np.arange(math.ceil(until_seconds / clip.duration_seconds)) * clip.duration_seconds
    return (turns[:, None] + clip.seconds).ravel()


def search(
    recordings: Sequence[Recording],
    queries: Sequence[Query],
    texts: npt.NDArray[np.float32],
    lengths: tuple[float, ...],
) -> list[Found]:
    """Asks the recordings everything."""
    windows = [scored_windows(i, recording.frames, lengths, texts) for i, recording in enumerate(recordings)]
    found = []
    for query, *of_each in zip(queries, *windows, strict=True):
        background = float(np.mean([window.score for row in of_each for window in row]))
        moments = [fold_into_moments(row, background=background, most=1)[0] for row in of_each]
        best = max(moments, key=lambda moment: moment.score)
        wanted = [scene for recording in recordings for scene in recording.right_scenes(query)]
        right = recordings[best.video_id].right_scenes(query)
        length = wanted[0].end_seconds - wanted[0].start_seconds if len(wanted) == 1 else math.nan
        middle = (best.start_seconds + best.end_seconds) / 2
        hits = [scene for scene in right if scene.start_seconds <= middle < scene.end_seconds]
        found.append(Found(bool(right), bool(hits), overlap(best, hits[0]) if hits else 0.0, length))
    return found


def overlap(moment: ScoredWindow, scene: Scene) -> float:
    """Intersection over union of two stretches of time that overlap."""
    starts = moment.start_seconds, scene.start_seconds
    ends = moment.end_seconds, scene.end_seconds
    return (min(ends) - max(starts)) / (max(ends) - min(starts))


def by_chance(rounds: Sequence[Sequence[Recording]], queries: Sequence[Query]) -> list[str]:
    """How often any recording would be right, and any instant of any recording."""
    recordings, instants = [], []
    for each in rounds:
        seconds = sum(recording.frames.duration_seconds for recording in each)
        for query in queries:
            right = [recording.right_scenes(query) for recording in each]
            recordings.append(np.mean([bool(scenes) for scenes in right]))
            lengths = [scene.end_seconds - scene.start_seconds for scenes in right for scene in scenes]
            instants.append(sum(lengths) / seconds)
    return ["by chance", f"{np.mean(recordings):.2f}", f"{np.mean(instants):.2f}", "", "", "", ""]


def with_interval(values: Float64Array, queries: Sequence[Query], sign: str = "") -> str:
    """The mean over queries of a value each, and its interval."""
    low, high = interval_of(bootstrap_means(values, [query.shown_by[0] for query in queries]))
    return f"{values.mean():{sign}.2f} [{low:{sign}.2f}, {high:{sign}.2f}]"


def show_recordings(
    title: str,
    rounds: Sequence[Sequence[Recording]],
    queries: Sequence[Query],
    texts: npt.NDArray[np.float32],
) -> dict[str, list[Found]]:
    """Shows how each way does in recordings; gives what was found, round by round."""
    found = {
        name: [each for recordings in rounds for each in search(recordings, queries, texts, lengths)]
        for name, lengths in LENGTHS.items()
    }

    def a_query(name: str, value: str) -> Float64Array:
        values = np.array([getattr(each, value) for each in found[name]], np.float64)
        return values.reshape(len(rounds), len(queries)).mean(0)

    seconds = sum(recording.frames.duration_seconds for each in rounds for recording in each)
    heads = ["windows", "right recording", "hit", "IoU >= 0.5", "mean IoU", f"against {SEVERAL}", "a minute"]
    rows = []
    for name, lengths in LENGTHS.items():
        recording = f"{a_query(name, 'recording').mean():.2f}"
        if name == ONE_VECTOR:
            rows.append([name, recording, "", "", "", "", ""])
            continue
        overlaps = a_query(name, "iou")
        vectors = sum(
            len(scored_windows(0, recording.frames, lengths, texts[:1])[0])
            for each in rounds
            for recording in each
        )
        rows.append(
            [
                name,
                recording,
                with_interval(a_query(name, "hit"), queries),
                f"{np.mean([each.iou >= HALF for each in found[name]]):.2f}",
                with_interval(overlaps, queries),
                ""
                if name == SEVERAL
                else with_interval(overlaps - a_query(SEVERAL, "iou"), queries, sign="+"),
                f"{vectors / seconds * 60:.0f}",
            ]
        )
    show_table(title, heads, [*rows, by_chance(rounds, queries)])
    return found


def by_scene_length(found: Mapping[str, Sequence[Found]]) -> Iterator[list[str]]:
    """Hits and mean IoU of queries with one right scene, by its length."""
    for name in LENGTHS:
        if name == ONE_VECTOR:
            continue
        cells = []
        for length in SCENE_SECONDS:
            of_it = [each for each in found[name] if math.isclose(each.scene_seconds, length)]
            cells.append(
                f"{np.mean([each.hit for each in of_it]):.2f}, {np.mean([each.iou for each in of_it]):.2f}"
            )
        yield [name, *cells]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default="starter")
    encoder = load_encoder(resolve_model(parser.parse_args().model), "cpu")
    show_machine()
    queries = [*captions(), *queries_of("search_present.csv")]
    texts = encoder.encode_texts([query.text for query in queries])
    clips = read_clips(encoder, FrameSampling())
    heads = ("ranked by", "R@1", "R@5", "mean 1 / rank", f"against {SEVERAL}")
    rows = list(as_separate_videos(clips, queries, texts))
    show_table(f"{len(clips)} clips as separate videos, {len(queries)} queries", heads, rows)

    clips = read_clips(encoder, FrameSampling(minimum_frames=1))
    generator = np.random.default_rng(0)
    as_they_are = [as_recordings(clips, [None] * len(clips), generator) for _ in range(ROUNDS)]
    title = f"{RECORDINGS} recordings of the clips as they are, {ROUNDS} rounds"
    show_recordings(title, as_they_are, queries, texts)
    first = generator.integers(len(SCENE_SECONDS), size=len(clips))
    drawn = [
        as_recordings(clips, [SCENE_SECONDS[(i + turn) % len(SCENE_SECONDS)] for i in first], generator)
        for turn in range(ROUNDS)
    ]
    title = f"{RECORDINGS} recordings of scenes of {SCENE_SECONDS[0]:g} to {SCENE_SECONDS[-1]:g} s, {ROUNDS} rounds"
    found = show_recordings(title, drawn, queries, texts)
    heads = ("windows", *(f"{length:g} s" for length in SCENE_SECONDS))
    show_table("Hit and mean IoU by the scene's length", heads, list(by_scene_length(found)))


if __name__ == "__main__":
    main()
