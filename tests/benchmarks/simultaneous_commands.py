"""Two commands at once on the same index or folder: for `kill_and_resume`.

Either both do their work, or one is refused with a sentence. Afterwards the state equals that of an undisturbed run.
"""

import random
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.failing_disks import in_words, unclean
from tests.benchmarks.interrupted_commands import (
    Command,
    Finetune,
    Index,
    Rebuild,
    run_to_end,
    stored,
)
from tests.benchmarks.interruption_material import Material
from tests.benchmarks.measuring import show_table, start_vifi

OK, NO_HITS, REFUSED, SOME_FAILED = 0, 1, 2, 3
ROUNDS, SEARCHES = 3, 3


@dataclass
class Pair:
    """Two commands, the first of which may be repeated while the second runs."""

    name: str
    codes: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def ended(self, process: "subprocess.Popen[bytes]", allowed: Sequence[int]) -> None:
        """Waits for a program and judges how it ended."""
        _, errors = process.communicate()
        self.codes.append(process.returncode)
        self.faults += unclean(process.returncode, errors, tuple(allowed))
        if process.returncode == REFUSED and len(errors.decode().strip().splitlines()) > 3:
            self.faults.append(f"refused in more than a sentence: {errors.decode()[-400:]}")


def show_all(material: Material, folder: Path, seed: int) -> int:
    """Runs all pairs and prints what came of them; gives the number of faults."""
    folder.mkdir(parents=True)
    chance = random.Random(f"pairs {seed}")
    pairs = []
    for name, run in PAIRS.items():
        pairs.append(run(material, folder / name.replace(" + ", "-"), chance, Pair(name)))
        print(f"{name}: {len(pairs[-1].codes)} runs, {len(pairs[-1].faults)} faults", flush=True)
    rows = [[pair.name, str(len(pair.codes)), in_words(pair.codes), str(len(pair.faults))] for pair in pairs]
    show_table("Two commands at once", ("commands", "runs", "exit codes", "faults"), rows)
    faults = [f"{pair.name}: {fault}" for pair in pairs for fault in pair.faults]
    print(*faults, sep="\n")
    return len(faults)


def index_and_index(material: Material, folder: Path, chance: random.Random, pair: Pair) -> Pair:
    """The same folder twice."""
    command = Index(material)
    undisturbed = made(command, folder)
    for number in range(ROUNDS):
        place = folder / str(number)
        command.prepare(place)
        first = command.start(place)
        time.sleep(chance.uniform(0.0, 2.0))
        second = command.start(place)
        pair.ended(first, (OK, SOME_FAILED, REFUSED))
        pair.ended(second, (OK, SOME_FAILED, REFUSED))
        if pair.codes[-2:] == [REFUSED, REFUSED]:
            pair.faults.append("both were refused")
        compare(pair, command, place, undisturbed)
    return pair


def index_and_search(material: Material, folder: Path, chance: random.Random, pair: Pair) -> Pair:
    """Searches while the index is made for the first time."""
    command = Index(material)
    undisturbed = made(command, folder)
    for number in range(ROUNDS):
        place = folder / str(number)
        command.prepare(place)
        indexing = command.start(place)
        time.sleep(chance.uniform(0.0, 2.0))
        for _ in range(SEARCHES):
            pair.ended(search(place), (OK, NO_HITS, REFUSED))
        pair.ended(indexing, (OK, SOME_FAILED))
        compare(pair, command, place, undisturbed)
        pair.ended(search(place), (OK,))
    return pair


def index_and_prune(material: Material, folder: Path, chance: random.Random, pair: Pair) -> Pair:
    """Drops a folder of the index while another one is added."""
    command = Index(material)
    undisturbed = made(command, folder)
    for number in range(ROUNDS):
        place = folder / str(number)
        other = place / "other"
        other.mkdir(parents=True)
        for path in sorted(material.videos.glob("0*.mp4")):
            shutil.copy2(path, other / path.name)
        command.prepare(place)
        first = ("index", str(other), "--model", "starter", "--json")
        run_to_end(start_vifi(place / "home", *first, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        indexing = command.start(place)
        time.sleep(chance.uniform(0.0, 3.0))
        prune = ("prune", str(other), "--yes")
        pruning = start_vifi(place / "home", *prune, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        pair.ended(pruning, (OK, REFUSED))
        pair.ended(indexing, (OK, SOME_FAILED, REFUSED))
        if pair.codes[-2] == REFUSED:
            again = start_vifi(place / "home", *prune, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            pair.ended(again, (OK,))
        compare(pair, command, place, undisturbed)
    return pair


def rebuild_and_search(material: Material, folder: Path, chance: random.Random, pair: Pair) -> Pair:
    """Every search finds all videos, in the old index or in the new one."""
    command = Rebuild(material)
    undisturbed = folder / "undisturbed"
    command.prepare(undisturbed)
    run_to_end(command.start(undisturbed))
    everything = {path for path, _ in stored(undisturbed / "home" / "index")}
    for number in range(ROUNDS):
        place = folder / str(number)
        command.prepare(place)
        rebuilding = command.start(place)
        time.sleep(chance.uniform(0.0, 2.0))
        for _ in range(SEARCHES):
            pair.ended(search(place), (OK,))
            if {path for path, _ in stored(place / "home" / "index")} != everything:
                pair.faults.append("videos were missing during the rebuild")
        pair.ended(rebuilding, (OK, SOME_FAILED))
        compare(pair, command, place, undisturbed)
    return pair


def finetune_and_finetune(material: Material, folder: Path, chance: random.Random, pair: Pair) -> Pair:
    """Two runs into the same folder: one wins."""
    command = Finetune(material)
    undisturbed = made(command, folder)
    for number in range(ROUNDS):
        place = folder / str(number)
        arguments = command.arguments(place)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        first = start_vifi(place / "home", *arguments, **pipes)
        time.sleep(chance.choice((0.0, 0.0, 0.5, 4.0)))
        second = start_vifi(place / "home", *arguments, **pipes)
        pair.ended(first, (OK, REFUSED))
        pair.ended(second, (OK, REFUSED))
        if sorted(pair.codes[-2:]) != [OK, REFUSED]:
            pair.faults.append(f"not one winner: {pair.codes[-2:]}")
        compare(pair, command, place, undisturbed)
    return pair


def made(command: Command, folder: Path) -> Path:
    """The undisturbed state."""
    undisturbed = folder / "undisturbed"
    command.prepare(undisturbed)
    run_to_end(command.start(undisturbed))
    return undisturbed


def search(place: Path) -> "subprocess.Popen[bytes]":
    """A search that keeps every hit."""
    arguments = ("search", "red", "--min-score", "0", "--json")
    return start_vifi(place / "home", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def compare(pair: Pair, command: Command, place: Path, undisturbed: Path) -> None:
    """Notes how a state differs from the undisturbed one, and what was left."""
    if difference := command.difference(place, undisturbed):
        pair.faults.append(difference)
    if left := command.leftovers(place):
        pair.faults.append(f"left {left[:5]}")


PAIRS: dict[str, Callable[[Material, Path, random.Random, Pair], Pair]] = {
    "index + index": index_and_index,
    "index + search": index_and_search,
    "index + prune": index_and_prune,
    "rebuild + search": rebuild_and_search,
    "finetune + finetune": finetune_and_finetune,
}
