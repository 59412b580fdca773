"""The loop from words to a better model on Weizmann, measured on people whose clips were never marked.

A library of Weizmann's 90 clips and of other clips is indexed with `starter`. Four people are marked. At each step the
descriptions or concepts of the ten actions rank the clips of the five others: by text, taught with 9 marks each (3
right, 6 wrong, drawn 20 times), taught with all 40 clips of the four, and after `vifi improve`.

    python -m tests.benchmarks.improvement_loop WEIZMANN [--others FOLDER ...] [--queries CSV] [--keep FOLDER]
        [--group-by REGEX] [--recipe CHANGE ...]
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.finetune_accuracy import DESCRIPTIONS, vifi
from tests.benchmarks.measuring import show_machine, show_table
from tests.benchmarks.teaching import average_precision
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.search.concept_queries import learn_concept
from vifi_cli.api.search.session import SearchSession
from vifi_cli.index.arrays import Float32Array
from vifi_cli.index.concepts.concept import Concept, Mark
from vifi_cli.index.search.query import query_in_words
from vifi_cli.index.search.ranking import video_scores

MARKED = ("ira", "lena", "lyova", "moshe")
DRAWS, RIGHT, WRONG = 20, 3, 6
SECONDS_PER_MARK = 3.0
"""An assumption: to look at a short clip and press y or n."""


@dataclass(frozen=True)
class Step:
    """A step of the loop: mean average precision on people never marked, and the minutes that it took."""

    name: str
    precision: float
    marks: int = 0  # of each concept, in all
    machine_seconds: float = 0.0


def main() -> None:
    """Measures and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weizmann", type=Path)
    parser.add_argument("--others", type=Path, nargs="*", default=[])
    parser.add_argument("--queries", type=Path)
    parser.add_argument("--keep", type=Path, help="where homes and runs are kept")
    parser.add_argument("--group-by")
    parser.add_argument("--recipe", action="append", default=[])
    parser.add_argument("--method", default="auto")
    arguments = parser.parse_args()
    show_machine()
    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.keep or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        run(arguments, work)


def run(arguments: argparse.Namespace, work: Path) -> None:
    """Carries out the loop."""
    home, steps = work / "home", list[Step]()
    videos = [arguments.weizmann, *arguments.others]
    started = time.perf_counter()
    vifi(
        home,
        "index",
        *videos,
        "--model",
        "starter",
        "--device",
        "cpu",
        "--json",
    )
    seconds = time.perf_counter() - started
    os.environ["VIFI_HOME"] = str(home)
    with SearchSession(home / "index", AUTOMATIC) as session:
        steps.append(Step("text", measured(session, lambda _, words: words), 0, seconds))
        started = time.perf_counter()
        precisions = [measured(session, taught(session, draw)) for draw in range(DRAWS)]
        seconds = (time.perf_counter() - started) / DRAWS
        steps.append(Step("taught with 9 marks", float(np.mean(precisions)), RIGHT + WRONG, seconds))
        for name in DESCRIPTIONS:
            session.concepts.add(name, DESCRIPTIONS[name])
            for mark in marks_of(session, name):
                session.concepts.mark(name, mark)
        started = time.perf_counter()
        all_marks = measured(session, lambda name, _: session.learned(session.concepts.get(name)).embedding)
        steps.append(Step("taught with 40 marks", all_marks, 40, time.perf_counter() - started))
    outcome, seconds = improved(arguments, home, work)
    for number, tried in enumerate(outcome["candidates"]):  # what each would do if it were adopted
        steps += tuned_steps(tried, home, work / f"tuned-{number}", videos, seconds)
    show(steps, outcome)


def tuned_steps(
    tried: dict[str, Any], home: Path, own_home: Path, videos: Sequence[Path], seconds: float
) -> Iterator[Step]:
    """How a model that was tried finds people never marked, in an index of its own with the concepts of another."""
    own_home.mkdir(exist_ok=True)
    for file in home.glob("index-concepts.sqlite3*"):
        shutil.copy(file, own_home)
    vifi(own_home, "index", *videos, "--model", tried["model"], "--device", "cpu", "--json")
    os.environ["VIFI_HOME"] = str(own_home)
    with SearchSession(own_home / "index", AUTOMATIC) as session:
        yield Step(f"{tried['name']}, by text", measured(session, lambda _, words: words), 40, seconds)
        learned = measured(session, lambda name, _: session.learned(session.concepts.get(name)).embedding)
        yield Step(f"{tried['name']}, taught with 40 marks", learned, 40)


def improved(arguments: argparse.Namespace, home: Path, work: Path) -> tuple[dict[str, Any], float]:
    """Runs `vifi improve`, which may not adopt; returns its document and its seconds."""
    options = ["-o", work / "run", "--device", "cpu", "--json", "--yes", "--method", arguments.method]
    options += ["--queries", arguments.queries] if arguments.queries else []
    options += ["--group-by", arguments.group_by] if arguments.group_by else []
    options += [part for change in arguments.recipe for part in ("--recipe", change)]
    command = [sys.executable, "-m", "vifi_cli", "improve", *map(str, options)]
    environment = {**os.environ, "VIFI_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"vifi improve ended with {done.returncode}")
    return json.loads(done.stdout), time.perf_counter() - started


def measured(session: SearchSession, query_of: Callable[[str, Float32Array], Float32Array]) -> float:
    """The mean average precision of a query per action, over the clips of people never marked."""
    videos = [
        video
        for video in session.index.catalog.videos()
        if video.path.parent.name in DESCRIPTIONS and person_of(video.path) not in MARKED
    ]
    words = {name: session.embed(query_in_words(text)) for name, text in DESCRIPTIONS.items()}
    queries = np.stack([query_of(name, words[name]) for name in DESCRIPTIONS])
    scores = video_scores(session.index.catalog, queries, [video.id for video in videos])
    truth = np.array([[video.path.parent.name == name for video in videos] for name in DESCRIPTIONS])
    return float(np.mean([average_precision(s.astype(float), t) for s, t in zip(scores, truth, strict=True)]))


def taught(session: SearchSession, draw: int) -> Callable[[str, Float32Array], Float32Array]:
    """Queries learned from a few marks of each action."""
    random = np.random.default_rng(draw)

    def learn(name: str, words: Float32Array) -> Float32Array:
        marks = marks_of(session, name)
        chosen: list[Mark] = []
        for is_right, count in ((True, RIGHT), (False, WRONG)):
            kind = [mark for mark in marks if mark.is_right is is_right]
            chosen += [kind[place] for place in random.permutation(len(kind))[:count]]
        concept = Concept(name, DESCRIPTIONS[name], tuple(chosen))
        learned = learn_concept(concept, session.index, lambda: words)
        return words if learned is None else learned.embedding

    return learn


def marks_of(session: SearchSession, name: str) -> list[Mark]:
    """All marks of an action: each clip of the marked people is right or wrong for it."""
    return [
        Mark(video.path, 0.0, video.duration_seconds, video.path.parent.name == name, video.fingerprint)
        for video in session.index.catalog.videos()
        if video.path.parent.name in DESCRIPTIONS and person_of(video.path) in MARKED
    ]


def person_of(path: Path) -> str:
    """The person in a clip of Weizmann."""
    return path.name.split("_")[0]


def show(steps: Sequence[Step], outcome: dict[str, Any]) -> None:
    """Prints the steps, and what `improve` decided."""
    rows = [
        (
            step.name,
            f"{step.precision:.2f}",
            f"{step.marks}",
            f"{step.marks * SECONDS_PER_MARK / 60:.1f}",
            f"{step.machine_seconds / 60:.2f}",
        )
        for step in steps
    ]
    heads = ("step", "mean AP, never marked", "marks a concept", "your minutes", "machine minutes")
    show_table("The loop", heads, rows)
    print("\nimprove:", "adopted" if outcome["adopted"] else "not adopted", "-", outcome["reason"])
    for trial in (outcome["present"], *outcome["candidates"]):
        words, by_marks = (np.mean(list(trial[key].values())) for key in ("by_words", "by_marks"))
        print(
            f"  {trial['name']}: held-out words {words:.2f}, marks {by_marks:.2f}",
            trial.get("gain", ""),
            trial.get("lost", trial["old_answers"]),
        )


if __name__ == "__main__":
    main()
