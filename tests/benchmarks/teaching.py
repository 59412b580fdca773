"""How well concepts are learned from a few marks, and how honest their relevance is:

    python -m tests.benchmarks.teaching WEIZMANN [--draws 20]

WEIZMANN holds a folder per action, with files whose names begin with the person. Marks are of 4 people, tests of the
other 5: mean average precision over the ten actions and all draws, whole clips as items. The other sets need the
reference clips in ../shared/videos; half of their groups are marked, the others are tested.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.benchmarks.measuring import SHARED_VIDEOS, show_machine, show_table
from tests.benchmarks.relevance_search import index_clips
from tests.benchmarks.teaching_sets import ConceptSet, clips_of, concept_sets
from vifi_cli.index.arrays import BoolArray, Float64Array, Int64Array
from vifi_cli.index.background import Background, background_of
from vifi_cli.index.concepts.concept_relevance import concept_relevance
from vifi_cli.index.concepts.learning import Lesson, MarkedWindows, learn_query
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import load_text_encoder

MARKS = ((1, 2), (3, 6), (4, 18))
BINS = ((0.0, 0.1), (0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01))
Learn = Callable[[Background, Float64Array, Float64Array, Float64Array], Float64Array]
"""From the text (D,), right marks (R, D) and wrong marks (W, D) to a query (D,)."""


def unit(rows: Float64Array) -> Float64Array:
    scaled: Float64Array = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return scaled


def text_alone(_: Background, text: Float64Array, right: Float64Array, wrong: Float64Array) -> Float64Array:
    return text


def difference(_: Background, text: Float64Array, right: Float64Array, wrong: Float64Array) -> Float64Array:
    found: Float64Array = text + 3 * (right.mean(axis=0) - wrong.mean(axis=0))
    return found


def centered(at: Background, text: Float64Array, right: Float64Array, wrong: Float64Array) -> Float64Array:
    return difference(at, text, unit(right - at.mean), unit(wrong - at.mean))


def whitened(shrinkage: float) -> Learn:
    def learn(at: Background, text: Float64Array, right: Float64Array, wrong: Float64Array) -> Float64Array:
        variances = (1 - shrinkage) * at.variances + shrinkage * at.variances.mean()
        whiten = (at.axes / np.sqrt(variances)) @ at.axes.T
        marks = (unit((kind - at.mean) @ whiten) for kind in (right, wrong))
        found: Float64Array = whiten @ difference(at, unit(whiten @ text), *marks)
        return found

    return learn


FORMS: dict[str, Learn] = {
    "text alone": text_alone,
    "text + 3 (mean right - mean wrong)": difference,
    "the same, centered": centered,
    "the same, whitened, shrinkage 0.9": whitened(0.9),
    "the same, whitened, shrinkage 0.5": whitened(0.5),
    "the same, whitened, shrinkage 0.1": whitened(0.1),
}
LEARNED = "as vifi learns"


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """What came out for one concept, taught by one draw of marks."""

    precisions: dict[str, float]  # by form
    lesson: Lesson
    seconds: float
    relevance: Float64Array  # (T,), of the tested items
    shows: BoolArray  # (T,)


def average_precision(scores: Float64Array, shows: BoolArray) -> float:
    ranked = shows[np.argsort(-scores, kind="stable")]
    return float((np.cumsum(ranked) / np.arange(1, len(ranked) + 1))[ranked].mean())


def draws(
    concepts: ConceptSet, right: int, wrong: int, count: int
) -> Iterator[tuple[int, Int64Array, BoolArray]]:
    """Concepts with the places of their marks, right ones first, and which items are tested."""
    random, groups = np.random.default_rng(0), np.array(concepts.groups)
    names = np.unique(groups)
    for _ in range(count):
        for concept, shows in enumerate(concepts.shows):
            for _attempt in range(50):
                is_marked = np.isin(groups, random.choice(names, len(names) // 2, replace=False))
                pools = np.flatnonzero(is_marked & shows), np.flatnonzero(is_marked & ~shows)
                if min(map(len, pools)) and (shows & ~is_marked).any():
                    places = [
                        random.choice(pool, min(most, len(pool)), replace=False)
                        for pool, most in zip(pools, (right, wrong), strict=True)
                    ]
                    yield concept, np.concatenate(places), ~is_marked
                    break


def trials(concepts: ConceptSet, right: int, wrong: int, count: int) -> list[Trial]:
    """Teaches every concept with every draw."""
    at, found = background_of(concepts.index), []
    _, videos = np.unique(concepts.videos, return_inverse=True)
    for concept, marks, is_tested in draws(concepts, right, wrong, count):
        is_right, text = concepts.shows[concept, marks], concepts.texts[concept]
        marked = concepts.embeddings[marks].astype(np.float64)
        tested, shows = concepts.embeddings[is_tested], concepts.shows[concept, is_tested]
        start = time.perf_counter()
        lesson = learn_query(text, MarkedWindows(concepts.embeddings[marks], is_right, videos[marks]), at)
        seconds = time.perf_counter() - start
        assert lesson
        precisions = {
            name: average_precision(
                tested @ learn(at, text.astype(np.float64), marked[is_right], marked[~is_right]), shows
            )
            for name, learn in FORMS.items()
        }
        precisions[LEARNED] = average_precision(tested @ lesson.query, shows)
        scores = ((values - at.mean) @ lesson.query for values in (tested, concepts.index))
        relevance = concept_relevance(*scores, lesson.held_out)
        found.append(Trial(precisions, lesson, seconds, relevance, shows))
    return found


def mean_of(found: Sequence[Trial], form: str) -> float:
    return float(np.mean([trial.precisions[form] for trial in found]))


def reliability(found: Sequence[Trial]) -> list[str]:
    """How many items of like relevance show their concept; each trial weighs the same."""
    weights = np.concatenate([np.full(len(trial.shows), 1 / len(trial.shows)) for trial in found])
    relevance = np.concatenate([trial.relevance for trial in found])
    shows = np.concatenate([trial.shows for trial in found])
    cells = []
    for low, high in BINS:
        inside = (relevance >= low) & (relevance < high)
        cells.append(f"{np.average(shows[inside], weights=weights[inside]):.0%}" if inside.any() else "")
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("weizmann", type=Path)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--model", default="starter")
    arguments = parser.parse_args()
    show_machine()
    others = [SHARED_VIDEOS / part for part in ("actions/ucf101_mini", "actions/hmdb51_mini", "search")]
    with tempfile.TemporaryDirectory() as home:
        folders = [Path(home) / name for name in ("weizmann", "others")]
        index_clips(folders[0], [arguments.weizmann], arguments.model)
        index_clips(folders[1], others, arguments.model)
        weizmann, rest = map(clips_of, folders)
    encoder = load_text_encoder(resolve_model(arguments.model), "cpu")
    found = {
        concepts.name: {marks: trials(concepts, *marks, arguments.draws) for marks in MARKS}
        for concepts in concept_sets(weizmann, rest, encoder.encode_texts)
    }
    show_results(found)


def show_results(found: dict[str, dict[tuple[int, int], list[Trial]]]) -> None:
    """Prints the tables: Weizmann by form, all sets, and how honest relevance is."""
    heads = ["query", *(f"{right} right, {wrong} wrong" for right, wrong in MARKS)]
    first = next(iter(found))
    rows = [[form, *(f"{mean_of(found[first][m], form):.2f}" for m in MARKS)] for form in (*FORMS, LEARNED)]
    show_table(f"{first}: mean average precision", heads, rows)
    milliseconds = [f"{1000 * np.median([t.seconds for t in found[first][m]]):.0f} ms" for m in MARKS]
    print(f"\ntime to learn: {', '.join(milliseconds)}")
    text, plain, white = "text alone", "the same, centered", "the same, whitened, shrinkage 0.5"
    for marks in MARKS:
        rows, against = [], []
        for name, by_marks in found.items():
            values = [mean_of(by_marks[marks], form) for form in (text, plain, white, LEARNED)]
            against.append((values[3] - values[1], values[3] - values[0], name))
            rows.append([name, *(f"{value:.2f}" for value in values)])
        show_table(
            f"{marks[0]} right, {marks[1]} wrong", ["set", "text", "centered", "whitened, 0.5", LEARNED], rows
        )
        print(f"\nleast gain over centered: {min(against)[0]:+.3f} ({min(against)[2]})")
        least = min(against, key=lambda each: each[1])
        print(f"least gain over the text: {least[1]:+.3f} ({least[2]})")
    heads = ["relevance", *(f"{low:.1f} to {min(high, 1.0):.1f}" for low, high in BINS)]
    rows = [
        [f"{name}, {sum(marks)} marks", *reliability(by_marks[marks])]
        for name, by_marks in found.items()
        for marks in MARKS[1:]
    ]
    everything = [trial for by_marks in found.values() for marks in MARKS[1:] for trial in by_marks[marks]]
    show_table(
        "Of tested items, how many show the concept", heads, [*rows, ["all", *reliability(everything)]]
    )
    sure = [
        trial
        for trial in everything
        if trial.lesson.validation and not trial.lesson.validation.needs_more_marks
    ]
    right = np.mean([trial.precisions[LEARNED] > trial.precisions[text] for trial in sure])
    print(f"\nsaid to be better than the text: {len(sure)} of {len(everything)}; {right:.0%} of these are")


if __name__ == "__main__":
    main()
