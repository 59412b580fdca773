"""How much fine-tuning on a CPU brings: people doing ten things, the person of the test never seen in training.

Data: the Weizmann actions (Blank et al., Actions as space-time shapes, 2005), a folder a class, the person being the
file name's first part. For each person left out: `vifi finetune` of `starter` on the others, scored on this one;
then the person's clips are indexed with the model of before and of after, and each description is searched.

    python -m tests.benchmarks.finetune_accuracy WEIZMANN [--people daria ido shahar] [--keep FOLDER]
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

DESCRIPTIONS = {
    "bend": "a person bending down",
    "jack": "a person doing jumping jacks",
    "jump": "a person jumping forward on two legs",
    "pjump": "a person jumping in place on two legs",
    "run": "a person running",
    "side": "a person galloping sideways",
    "skip": "a person skipping",
    "walk": "a person walking",
    "wave1": "a person waving one hand",
    "wave2": "a person waving both hands",
}


@dataclass(frozen=True)
class Fold:
    """What came of leaving one person out: shares, minutes, and the ranks of the right clips in ten searches."""

    person: str
    before: float
    after: float
    minutes: float
    ranks_before: list[int]
    ranks_after: list[int]


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weizmann", type=Path)
    parser.add_argument("--people", nargs="+", default=["daria", "ido", "shahar"])
    parser.add_argument("--keep", type=Path, help="where runs are kept; a temporary folder if not given")
    parser.add_argument("--recipe", action="append", default=[])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.keep or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        folds = []
        for person in arguments.people:
            folds.append(measure(arguments.weizmann, person, work, arguments.recipe))
            show(folds[-1])
    count = len(folds)
    print(
        f"mean: zero-shot {sum(f.before for f in folds) / count:.3f}, tuned {sum(f.after for f in folds) / count:.3f}, "
        f"{sum(f.minutes for f in folds) / count:.1f} minutes a fold"
    )


def measure(weizmann: Path, person: str, work: Path, changes: list[str]) -> Fold:
    """Trains on all people but one and tests on this one."""
    clips = sorted(path for name in DESCRIPTIONS for path in (weizmann / name).iterdir())
    held_out = [path for path in clips if path.name.startswith(f"{person}_")]
    table = work / f"{person}.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split"])
        for path in clips:
            split = "test" if path in held_out else "train"
            writer.writerow([path.absolute(), DESCRIPTIONS[path.parent.name], split])
    started = time.perf_counter()
    run = work / person
    recipe = [part for change in changes for part in ("--recipe", change)]
    result = vifi(
        work,
        "finetune",
        "--data",
        table,
        "--model",
        "starter",
        "--device",
        "cpu",
        "-o",
        run,
        "--json",
        *recipe,
    )
    minutes = (time.perf_counter() - started) / 60
    return Fold(
        person,
        result["before"]["top1"],
        result["test"]["top1"],
        minutes,
        search_ranks(work / f"{person}-before", "starter", held_out),
        search_ranks(work / f"{person}-after", str(run / "best"), held_out),
    )


def search_ranks(home: Path, model: str, clips: list[Path]) -> list[int]:
    """The place of the right clip among the person's, for each description, as `vifi search` lists them."""
    vifi(home, "index", *clips, "--model", model, "--device", "cpu", "--json")
    ranks = []
    for name, description in DESCRIPTIONS.items():
        options = ("--by", "video", "--top", len(clips), "--min-score", 0, "--json")
        found = vifi(home, "search", description, *options)
        order = [Path(hit["path"]).parent.name for hit in found["hits"]]
        ranks.append(order.index(name) + 1 if name in order else len(clips))
    return ranks


def vifi(home: Path, *arguments: object) -> dict[str, object]:
    """Runs a command as a user would, with a data folder of its own, and returns the document that it writes."""
    environment = {**os.environ, "VIFI_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "vifi_cli", *map(str, arguments)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    document: dict[str, object] = json.loads(done.stdout)
    return document


def show(fold: Fold) -> None:
    """Prints the result of leaving one person out."""
    names = list(DESCRIPTIONS)
    place = names.index("wave2")
    mean_before, mean_after = (sum(ranks) / len(ranks) for ranks in (fold.ranks_before, fold.ranks_after))
    print(
        f"{fold.person:8} top-1 {fold.before:.2f} -> {fold.after:.2f} in {fold.minutes:.1f} minutes; "
        f"place of the right clip of {len(names)} in a search: mean {mean_before:.1f} -> {mean_after:.1f}, "
        f"first for {fold.ranks_before.count(1)} -> {fold.ranks_after.count(1)} descriptions, "
        f"waving both hands {fold.ranks_before[place]} -> {fold.ranks_after[place]}",
        flush=True,
    )


if __name__ == "__main__":
    main()
