"""How well `vifi timeline` finds occurrences, on recordings joined from clips whose times are known.

*Scenes* are joined from the captioned clips of `shared/videos/search`, and the labels are the captions. *Actions* are
those of Weizmann, a recording for each person, with captioned clips between them. The labels are the ten actions in
words, or concepts taught by marks in the recordings of four people; recordings of the other five are the test.
*Sports* are clips of UCF101 and HMDB51 with captioned clips between them, and the labels are words.

    python -m tests.benchmarks.time_budgets WEIZMANN FOLDER [--fps 1] [--draws 5] [--seed 1]

The levels of occurrences were chosen with seed 0, on scenes and actions. Other seeds draw other orders, other
repetitions, and other marks; no choice was made on sports.
"""

import argparse
import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np

from tests.benchmarks.finetune_accuracy import DESCRIPTIONS
from tests.benchmarks.joined_recordings import CLIPS, RATE, join
from tests.benchmarks.measuring import show_machine, show_table
from tests.benchmarks.teaching_sets import OTHER_ACTIONS
from vifi_cli import index_videos
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.search.query_language import concept
from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.teaching.marking import relearn
from vifi_cli.api.timeline.finding import TimelineOptions, TimelineSearch, find_timelines
from vifi_cli.api.timeline.labels import Label, labels_for
from vifi_cli.api.timeline.timeline import VideoTimeline
from vifi_cli.index.concepts.concept import Mark
from vifi_cli.index.search.occurrences import OccurrenceRules

TEACHERS = 4
MARKS = ((3, 6), (4, 18))  # right and wrong
MARKED_SECONDS = 2.0
SPORTS = OTHER_ACTIONS | {
    "cartwheel": "a person turning a cartwheel",
    "climb": "a person climbing",
    "golf": "a person swinging a golf club",
    "punch": "a person punching",
    "shoot_bow": "a person shooting with a bow",
    "swing_baseball": "a baseball player swinging a bat",
    "wave": "a person waving",
}
HEADS = ("labels", "precision", "recall", "count", "true", "count error", "minutes", "true", "duration error")


@dataclass(frozen=True)
class Bout:
    """A stretch of a recording that shows a label."""

    label: str
    start: float
    end: float


@dataclass
class Scores:
    """Sums over labels and recordings."""

    common: float = 0.0  # seconds found that are true
    found: float = 0.0
    true: float = 0.0
    counts: int = 0
    true_counts: int = 0
    count_error: int = 0  # of each label over all recordings
    duration_error: float = 0.0
    draws: int = field(default=1)

    def add(self, label: str, timelines: Sequence[VideoTimeline], truth: dict[str, list[Bout]]) -> None:
        """Compares the occurrences of a label with its bouts."""
        found = {
            each.path.name: [(o.start_seconds, o.end_seconds) for o in each.of(label)] for each in timelines
        }
        true = {name: [(b.start, b.end) for b in truth[name] if b.label == label] for name in found}
        seconds, true_seconds = (sum(_total(spans) for spans in each.values()) for each in (found, true))
        counts, true_counts = (sum(map(len, each.values())) for each in (found, true))
        self.common += sum(_overlap(found[name], true[name]) for name in found)
        self.found, self.true = self.found + seconds, self.true + true_seconds
        self.counts, self.true_counts = self.counts + counts, self.true_counts + true_counts
        self.count_error += abs(counts - true_counts)
        self.duration_error += abs(seconds - true_seconds)

    def row(self, name: str) -> tuple[str, ...]:
        """A row of the table; counts and minutes are those of one draw."""
        return (
            name,
            f"{self.common / max(self.found, 1e-9):.2f}",
            f"{self.common / self.true:.2f}",
            *(f"{value / self.draws:.0f}" for value in (self.counts, self.true_counts)),
            f"{self.count_error / self.true_counts:.0%}",
            *(f"{value / self.draws / 60:.1f}" for value in (self.found, self.true)),
            f"{self.duration_error / self.true:.0%}",
        )


def main() -> None:
    """Makes and indexes the recordings where they are absent, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("weizmann", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fps", type=float, default=1.0)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rows, seed = [], arguments.seed
    for name, made in (
        ("scenes", scenes(seed)),
        ("sports", sports(arguments.weizmann.parent, seed)),
        ("actions", actions(arguments.weizmann, seed)),
    ):
        folder = arguments.folder / f"{name}-{seed}"
        truth = recordings(folder, made)
        index = arguments.folder / f"{name}-index-{seed}-{arguments.fps:g}"
        if not index.exists():
            index_videos(folder, model="starter", folder=index, frames_per_second=arguments.fps)
        with SearchSession(index, AUTOMATIC) as session:
            if name != "actions":
                shown = sorted({bout.label for bouts in truth.values() for bout in bouts if bout.label})
                labels = labels_for({label: SPORTS.get(label, label) for label in shown})
                title = f"{name}, words"
                rows += [measured(session, labels, truth, list(truth), title, form) for form in (False, True)]
            else:
                first = seed * arguments.draws
                rows += taught(session, truth, range(first, first + arguments.draws))
    show_machine()
    show_table(f"`vifi timeline`, {arguments.fps:g} frames a second", HEADS, rows)


def scenes(seed: int) -> Iterator[tuple[str, list[tuple[str, Path]]]]:
    """Four recordings of fifteen captioned clips each, drawn with replacement, none twice in a row."""
    with (CLIPS / "captions.csv").open(encoding="utf-8", newline="") as file:
        captioned = [(row["caption"], CLIPS / row["file"]) for row in csv.DictReader(file)]
    random = np.random.default_rng(seed)
    for number in range(4):
        drawn = [captioned[place] for place in random.integers(len(captioned), size=15)]
        yield f"scenes{number}.mp4", [part for part, _ in groupby(drawn)]


def sports(folder: Path, seed: int) -> Iterator[tuple[str, list[tuple[str, Path]]]]:
    """Four recordings of clips of UCF101 and HMDB51, each clip once, captioned clips between some."""
    clips = sorted(
        clip for name in ("ucf101_mini", "hmdb51_mini") for clip in (folder / name).glob("*/*.avi")
    )
    others = sorted(CLIPS.glob("*.mp4"))
    random = np.random.default_rng(seed)
    for number, places in enumerate(np.array_split(random.permutation(len(clips)), 4)):
        parts: list[tuple[str, Path]] = []
        for place in places:
            if random.random() < 0.4:
                parts.append(("", others[random.integers(len(others))]))
            parts.append((clips[place].parent.name, clips[place]))
        yield f"sports{number}.mp4", parts


def actions(weizmann: Path, seed: int) -> Iterator[tuple[str, list[tuple[str, Path]]]]:
    """A recording for each person: each action once or twice, its clip two to four times in a row, others between."""
    others = sorted(CLIPS.glob("*.mp4"))
    random = np.random.default_rng(seed)
    for person in sorted({clip.name.split("_")[0] for clip in weizmann.glob("*/*.avi")}):
        parts: list[tuple[str, Path]] = []
        for action in [*random.permutation(list(DESCRIPTIONS)), *random.permutation(list(DESCRIPTIONS))[:5]]:
            clip = min((weizmann / action).glob(f"{person}_*.avi"))
            if random.random() < 0.4 or (parts and parts[-1][0] == action):
                parts.append(("", others[random.integers(len(others))]))
            parts += [(action, clip)] * int(random.integers(2, 5))
        yield f"{person}.mp4", parts


def recordings(folder: Path, parts: Iterable[tuple[str, list[tuple[str, Path]]]]) -> dict[str, list[Bout]]:
    """Joins the recordings that are absent; returns the bouts of each, by its name."""
    folder.mkdir(parents=True, exist_ok=True)
    truth: dict[str, list[Bout]] = {}
    for name, listed in parts:
        table = folder / f"{name}.csv"
        if not table.exists():
            edges = join([clip for _, clip in listed], folder / name)
            spans = zip([label for label, _ in listed], pairwise(edges), strict=True)
            with table.open("w", encoding="utf-8", newline="") as file:
                for label, group in groupby(spans, key=lambda each: each[0]):
                    inside = [span for _, span in group]
                    csv.writer(file).writerow((label, inside[0][0] / RATE, inside[-1][1] / RATE))
        with table.open(encoding="utf-8", newline="") as file:
            truth[name] = [Bout(label, float(start), float(end)) for label, start, end in csv.reader(file)]
    return truth


def measured(
    session: SearchSession,
    labels: Sequence[Label],
    truth: dict[str, list[Bout]],
    names: Sequence[str],
    title: str,
    exclusive: bool,
    scores: Scores | None = None,
) -> tuple[str, ...]:
    """The row of the table for labels in some recordings."""
    scores = Scores() if scores is None else scores
    options = TimelineOptions(rules=OccurrenceRules(is_exclusive=exclusive))
    found = find_timelines(
        TimelineSearch(session, labels, options),
        lambda catalog: [video for video in catalog.videos() if video.path.name in names],
    )
    for label in labels:
        scores.add(label.name, found, truth)
    return scores.row(f"{title}, --exclusive" if exclusive else title)


def taught(
    session: SearchSession, truth: dict[str, list[Bout]], draws: Sequence[int]
) -> list[tuple[str, ...]]:
    """The rows for actions, in words and as concepts, with and without --exclusive."""
    rows = []
    for exclusive in (False, True):
        for right, wrong in ((0, 0), *MARKS):
            title = f"actions, {right + wrong} marks" if right else "actions, words"
            scores = Scores(draws=len(draws))
            for draw in draws:
                random = np.random.default_rng(draw)
                teachers = list(random.permutation(sorted(truth))[:TEACHERS])
                labels = labels_for(DESCRIPTIONS)
                if right:
                    labels = tuple(
                        Label(name, concept(teach(session, name, truth, teachers, (right, wrong), random)))
                        for name in DESCRIPTIONS
                    )
                tested = [name for name in truth if name not in teachers]
                row = measured(session, labels, truth, tested, title, exclusive, scores)
            rows.append(row)
    return rows


def teach(
    session: SearchSession,
    name: str,
    truth: dict[str, list[Bout]],
    teachers: Sequence[str],
    counts: tuple[int, int],
    random: np.random.Generator,
) -> str:
    """Teaches an action again as a concept, by two seconds of each bout; returns the concept's name."""
    store, named = session.concepts, f"taught-{name}"
    if store.find(named):
        store.delete(named)
    store.add(named, DESCRIPTIONS[name])
    videos = {video.path.name: video for video in session.index.catalog.videos()}
    bouts = [(videos[each], bout) for each in teachers for bout in truth[each] if bout.label]
    for is_right, count in zip((True, False), counts, strict=True):
        possible = [each for each in bouts if (each[1].label == name) == is_right]
        for place in random.permutation(len(possible))[:count]:
            video, bout = possible[place]
            start = random.uniform(bout.start, max(bout.end - MARKED_SECONDS, bout.start + 0.1))
            store.mark(named, Mark(video.path, start, start + MARKED_SECONDS, is_right, video.fingerprint))
    relearn(session, named)
    return named


def _total(spans: Sequence[tuple[float, float]]) -> float:
    return sum(end - start for start, end in spans)


def _overlap(first: Sequence[tuple[float, float]], second: Sequence[tuple[float, float]]) -> float:
    return sum(max(min(a[1], b[1]) - max(a[0], b[0]), 0.0) for a in first for b in second)


if __name__ == "__main__":
    main()
