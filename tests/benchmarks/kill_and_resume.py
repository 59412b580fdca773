"""Kills vifi's commands at random moments, lets them go on, and compares with undisturbed runs.

    python -m tests.benchmarks.kill_and_resume [--kills 100] [--seed 0] [--only index watch cut ...]

Six commands take turns: index, index --watch while files arrive, cut, finetune, prompt-tune and index --rebuild. Three
of four kills are SIGKILL, the others SIGTERM, each at a moment drawn from the length of an undisturbed run. The next
run goes on in the same folder. A run that is done before its moment is compared with the undisturbed one, to the last
bit, and the next begins in a new folder.

After each kill nothing stored before may be lost, the catalog must pass SQLite's integrity check, and no process may be
left. After a SIGTERM no temporary file may be left either. When a command is done, no temporary file may be left.

Then, unless --only is given: disks that vanish and come back, full disks (`failing_disks`), and two commands at once
(`simultaneous_commands`). The exit code is 1 if there is a fault.
"""

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.benchmarks import failing_disks, simultaneous_commands
from tests.benchmarks.interrupted_commands import COMMANDS, OK, SOME_FAILED, Command, Cut, Watch
from tests.benchmarks.interruption_material import Material
from tests.benchmarks.measuring import SHARED_VIDEOS, show_machine, show_table

EARLIEST_SHARE = 0.25  # of an undisturbed run: before, Python loads modules
ORPHAN_SECONDS, END_SECONDS, WATCH_SECONDS = 10.0, 30.0, 120.0
ENDED_BY_SIGNAL = (130, 143, -signal.SIGTERM, OK, SOME_FAILED)
LOOK_SECONDS, INTERRUPTED = 0.2, 130


@dataclass
class Tally:
    """What the kills of one command came to."""

    name: str
    undisturbed_seconds: float = 0.0
    kills: int = 0
    terms: int = 0
    too_late: int = 0  # done before the moment
    compared: int = 0
    faults: list[str] = field(default_factory=list)
    end_codes: Counter[int] = field(default_factory=Counter)  # after SIGTERM


class Killing:
    """Kills one command again and again."""

    def __init__(self, command: Command, folder: Path, seed: int) -> None:
        self.command, self.folder = command, folder
        self.random = random.Random(f"{command.name} {seed}")
        self.undisturbed = folder / "undisturbed"
        self.tally = Tally(command.name)
        self.round = 0
        self.current = folder / "0"

    def run_undisturbed(self) -> None:
        """What all is compared with."""
        self.command.prepare(self.undisturbed)
        started = time.perf_counter()
        self._finish(self.command.start(self.undisturbed), self.undisturbed)
        self.tally.undisturbed_seconds = time.perf_counter() - started
        if left := self.command.leftovers(self.undisturbed):
            self.tally.faults.append(f"undisturbed: left {left}")
        self.command.prepare(self.current)

    def kill_once(self) -> bool:
        """Starts or goes on, and kills; False if it was done before."""
        is_term = self.random.random() < 0.25
        moment = self.tally.undisturbed_seconds * self.random.uniform(EARLIEST_SHARE, 1.0)
        before, left_before = self.command.kept(self.current), self.command.leftovers(self.current)
        process = self.command.start(self.current)
        if isinstance(self.command, Watch):
            self._let_arrive(moment)
        try:
            process.wait(moment if not isinstance(self.command, Watch) else 0.01)
        except subprocess.TimeoutExpired:
            self._kill(process, signal.SIGTERM if is_term else signal.SIGKILL)
            self._check_after(before)
            if is_term and (left := set(self.command.leftovers(self.current)) - set(left_before)):
                self.tally.faults.append(f"round {self.round}: SIGTERM left {sorted(left)[:5]}")
            if isinstance(self.command, Watch) and not self.command.missing(self.current):
                self.finish()
            return True
        self._finish(process, self.current)
        self.tally.too_late += 1
        self.compare()
        return False

    def finish(self) -> None:
        """Goes on to the end after the last kill, and compares."""
        self._finish(self.command.start(self.current), self.current)
        self.compare()

    def compare(self) -> None:
        """Compares the finished folder, and begins a new one."""
        self.tally.compared += 1
        if difference := self.command.difference(self.current, self.undisturbed):
            self.tally.faults.append(f"round {self.round}: {difference}")
        if left := self.command.leftovers(self.current):
            self.tally.faults.append(f"round {self.round}: left {left}")
        if not self.tally.faults:
            shutil.rmtree(self.current)
        self.round += 1
        self.current = self.folder / str(self.round)
        self.command.prepare(self.current)

    def _let_arrive(self, seconds: float) -> None:
        """Lets the other files come one by one until the moment."""
        assert isinstance(self.command, Watch)
        ends = time.monotonic() + seconds
        missing = self.command.missing(self.current)
        gaps = seconds / (len(missing) + 1)
        while time.monotonic() < ends:
            time.sleep(min(gaps, max(0.0, ends - time.monotonic())))
            if missing and self.random.random() < 0.5:
                self.command.arrive(self.current, missing.pop(0))

    def _kill(self, process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        try:
            _, errors = process.communicate(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self.tally.faults.append(
                f"round {self.round}: {number.name} does not end it in {END_SECONDS:.0f} s"
            )
            return
        self.tally.kills += 1
        if number is signal.SIGTERM:
            self.tally.terms += 1
            self.tally.end_codes[process.returncode] += 1
            if (
                process.returncode not in ENDED_BY_SIGNAL
                or b"Traceback" in errors
                or b"a bug in vifi" in errors
            ):
                self.tally.faults.append(f"SIGTERM: exit code {process.returncode}: {errors.decode()[-500:]}")
        _, alive = psutil.wait_procs(children, timeout=ORPHAN_SECONDS)
        if alive:
            self.tally.faults.append(f"processes were left: {alive}")

    def _check_after(self, before: set[object]) -> None:
        lost = before - self.command.kept(self.current)
        if lost:
            self.tally.faults.append(f"round {self.round}: lost {sorted(map(str, lost))[:5]}")
        if isinstance(self.command, Cut):
            for name in self.command.damaged(self.current, self.undisturbed):
                self.tally.faults.append(f"round {self.round}: {name} is not complete")

    def _finish(self, process: "subprocess.Popen[bytes]", folder: Path) -> None:
        """Waits for the end; of --watch, until all is stored, and then ends it."""
        if isinstance(self.command, Watch):
            for path in self.command.missing(folder):
                self.command.arrive(folder, path)
            ends = time.monotonic() + WATCH_SECONDS
            while not self.command.is_complete(folder) and process.poll() is None and time.monotonic() < ends:
                time.sleep(LOOK_SECONDS)
            if not self.command.is_complete(folder):
                self.tally.faults.append(f"round {self.round}: --watch did not index all that arrived")
            process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
        may_be_interrupted = (INTERRUPTED,) if isinstance(self.command, Watch) else ()
        if process.returncode not in (OK, SOME_FAILED, *may_be_interrupted):
            self.tally.faults.append(
                f"exit code {process.returncode}: {errors.decode(errors='replace')[-1000:]}"
            )


def kill_often(material: Material, folder: Path, kills: int, seed: int, names: list[str]) -> list[Tally]:
    """Kills each command its share of times."""
    chosen = [kind for kind in COMMANDS if kind.name in names]
    tallies = []
    for place, kind in enumerate(chosen):
        killing = Killing(kind(material), folder / kind.name, seed)
        killing.run_undisturbed()
        share = kills // len(chosen) + (place < kills % len(chosen))
        while killing.tally.kills < share:
            killing.kill_once()
        killing.finish()
        tallies.append(killing.tally)
        print(f"{kind.name}: {killing.tally.kills} kills, {len(killing.tally.faults)} faults", flush=True)
        print(*killing.tally.faults, sep="\n", flush=True)
    return tallies


def show(tallies: list[Tally]) -> None:
    """The table."""
    rows = []
    for tally in tallies:
        codes = ", ".join(f"{code} × {count}" for code, count in sorted(tally.end_codes.items()))
        numbers = (tally.kills, tally.terms, codes, tally.compared, len(tally.faults))
        rows.append([tally.name, f"{tally.undisturbed_seconds:.1f}", *map(str, numbers)])
    heads = ("command", "undisturbed, s", "kills", "of these SIGTERM", "exit codes", "compared", "faults")
    show_table("Killed and resumed", heads, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    names = [kind.name for kind in COMMANDS]
    parser.add_argument(
        "--only", nargs="+", choices=[*names, "disks", "pairs"], default=[*names, "disks", "pairs"]
    )
    parser.add_argument("--keep", type=Path, help="a new folder to work in and to keep, to look at faults")
    arguments = parser.parse_args()
    if not SHARED_VIDEOS.is_dir():
        sys.exit(f"skipped: {SHARED_VIDEOS} is not here")
    show_machine()
    faults = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        material = Material.make(folder / "material")
        if names := [name for name in arguments.only if name in names]:
            tallies = kill_often(material, folder, arguments.kills, arguments.seed, names)
            show(tallies)
            faults += sum(len(tally.faults) for tally in tallies)
        if "disks" in arguments.only:
            faults += failing_disks.show_all(material, folder / "disks", arguments.seed)
        if "pairs" in arguments.only:
            faults += simultaneous_commands.show_all(material, folder / "pairs", arguments.seed)
    print(f"\nfaults: {faults}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
