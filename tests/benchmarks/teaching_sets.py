"""Sets of concepts on which teaching is measured: windows, what shows what, and texts."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.benchmarks.relevance_search import QUERIES
from vifi_cli.index.arrays import BoolArray, Float32Array
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.windows import mean_embedding, window_embeddings

ACTIONS = {
    "bend": "a person bending down",
    "jack": "a person doing jumping jacks",
    "jump": "a person jumping forward",
    "pjump": "a person jumping in place",
    "run": "a person running",
    "side": "a person galloping sideways",
    "skip": "a person skipping",
    "walk": "a person walking",
    "wave1": "a person waving one hand",
    "wave2": "a person waving both hands",
}
OTHER_ACTIONS = {
    "ApplyEyeMakeup": "a woman applying eye makeup",
    "BenchPress": "a man lifting a barbell on a bench",
    "Diving": "a person diving into water",
    "SoccerJuggling": "a person juggling a football",
}
ATTRIBUTES = {
    "sport": "BenchPress Diving SoccerJuggling golf punch shoot_bow swing_baseball climb cartwheel v_GGSY man-s",
    "indoors": "ApplyEyeMakeup BenchPress Diving punch cartwheel demo flipping_a_pancake v_GGSY RATRACE dog.mp4",
    "a woman": "ApplyEyeMakeup shoot_bow woman- woman_ train.mp4 flipping_a_pancake v_GGSY daria_ ira_ lena_",
    "a person waves": "RATRACE SchoolRules TrumanShow wave1 wave2",
}
Encode = Callable[[Sequence[str]], Float32Array]


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A video of the index."""

    path: Path
    whole: Float32Array  # (D,)
    windows: Float32Array  # (W, D)

    @property
    def action(self) -> str:
        return self.path.parent.name

    @property
    def person(self) -> str:
        return self.path.name.partition("_")[0]


@dataclass(frozen=True, slots=True, eq=False)
class ConceptSet:
    """Items (N) and concepts (C) to be taught by marking some items of some groups, and tested on all other groups."""

    name: str
    texts: Float32Array  # (C, D)
    embeddings: Float32Array  # (N, D)
    shows: BoolArray  # (C, N)
    groups: Sequence[str]  # (N,): marks are of some groups, tests of the others
    videos: Sequence[str]  # (N,): what learning knows as a video
    index: Float32Array  # (W, D): the windows of the index


def clips_of(folder: Path) -> list[Clip]:
    """The videos of an index in a folder."""
    with Catalog(folder / CATALOG_FILE) as catalog:
        paths = {video.id: video.path for video in catalog.videos()}
        found = []
        for video_id, rows in catalog.windows_by_video():
            _, frames = catalog.frames(video_id)
            found.append(
                Clip(paths[video_id], mean_embedding(frames), window_embeddings(frames, rows[:, 1:]))
            )
    return sorted(found, key=lambda clip: clip.path)


def concept_sets(weizmann: Sequence[Clip], others: Sequence[Clip], encode: Encode) -> Iterator[ConceptSet]:
    """Weizmann's actions first, then subsets, mixtures, and other clips."""
    of_weizmann, everything = _windows(weizmann), _windows([*weizmann, *others])
    yield _actions("Weizmann", weizmann, of_weizmann, encode, tuple(ACTIONS))
    yield _actions("Weizmann, in an index with other clips", weizmann, everything, encode, tuple(ACTIONS))
    for names in (
        ("walk", "run"),
        ("walk", "run", "skip"),
        ("wave1", "wave2", "jack"),
        ("jump", "pjump", "skip", "side"),
    ):
        chosen = [clip for clip in weizmann if clip.action in names]
        yield _actions(f"only {', '.join(names)}", chosen, _windows(chosen), encode, names)
    people = sorted({clip.person for clip in weizmann})
    yield _by_label("Weizmann, people", weizmann, people, encode(["a person"] * len(people)), of_weizmann)
    both = [*weizmann, *others]
    shows = np.array([[clip.action == name for clip in both] for name in ACTIONS])
    groups = [clip.person if clip.action in ACTIONS else clip.path.name for clip in both]
    whole = np.stack([clip.whole for clip in both])
    yield _set("Weizmann's actions among all clips", encode([*ACTIONS.values()]), whole, shows, groups, both)
    labeled = [clip for clip in others if "actions" in clip.path.parts]
    shows = np.array([[clip.action == name for clip in labeled] for name in OTHER_ACTIONS])
    whole = np.stack([clip.whole for clip in labeled])
    names = [clip.path.name for clip in labeled]
    yield _set(
        "UCF101's classes among HMDB51's", encode([*OTHER_ACTIONS.values()]), whole, shows, names, labeled
    )
    for name, clips in (("kinds of scenes, other clips", others), ("kinds of scenes, all clips", both)):
        shows = np.array(
            [
                [any(part in str(clip.path) for part in parts.split()) for clip in clips]
                for parts in ATTRIBUTES.values()
            ]
        )
        groups = [
            clip.person if clip.action in ACTIONS else clip.path.name.partition("_c0")[0] for clip in clips
        ]
        whole = np.stack([clip.whole for clip in clips])
        yield _set(name, encode([*ATTRIBUTES]), whole, shows, groups, clips)
    yield _everyday([clip for clip in others if "search" in clip.path.parts], encode)


def _actions(
    name: str, clips: Sequence[Clip], index: Float32Array, encode: Encode, actions: Sequence[str]
) -> ConceptSet:
    shows = np.array([[clip.action == action for clip in clips] for action in actions])
    whole = np.stack([clip.whole for clip in clips])
    paths = [str(clip.path) for clip in clips]
    texts = encode([ACTIONS[action] for action in actions])
    return ConceptSet(name, texts, whole, shows, [clip.person for clip in clips], paths, index)


def _by_label(
    name: str, clips: Sequence[Clip], people: Sequence[str], texts: Float32Array, index: Float32Array
) -> ConceptSet:
    shows = np.array([[clip.person == person for clip in clips] for person in people])
    whole = np.stack([clip.whole for clip in clips])
    return ConceptSet(
        name, texts, whole, shows, [clip.action for clip in clips], [str(clip.path) for clip in clips], index
    )


def _set(
    name: str,
    texts: Float32Array,
    whole: Float32Array,
    shows: BoolArray,
    groups: Sequence[str],
    clips: Sequence[Clip],
) -> ConceptSet:
    return ConceptSet(name, texts, whole, shows, groups, [str(clip.path) for clip in clips], _windows(clips))


def _everyday(clips: Sequence[Clip], encode: Encode) -> ConceptSet:
    """Everyday queries that three or more of the reference clips show; items are windows, groups are videos."""
    with (QUERIES / "search_everyday.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if len(row["videos"].split()) >= 3]
    videos = [clip.path.name for clip in clips for _ in clip.windows]
    shows = np.array([[video in row["videos"].split() for video in videos] for row in rows])
    texts = encode([row["query"] for row in rows])
    windows = _windows(clips)
    return ConceptSet(
        "everyday words, windows of other clips", texts, windows, shows, videos, videos, windows
    )


def _windows(clips: Sequence[Clip]) -> Float32Array:
    return np.concatenate([clip.windows for clip in clips])
