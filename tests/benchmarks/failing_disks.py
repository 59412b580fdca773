"""Disks that vanish in the middle of a run and come back, and disks that are full: for `kill_and_resume`.

Needs root and Linux for its mounts, and is skipped elsewhere.

A vanishing disk is a bind mount that is detached while `vifi index` reads it, and bound again for the next run. A full
disk is a tmpfs of a random size below what an undisturbed run needs, and made large enough for the next run.
"""

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.benchmarks.interrupted_commands import (
    OK,
    SOME_FAILED,
    Command,
    Cut,
    Finetune,
    Index,
    index_difference,
    run_to_end,
    stored,
)
from tests.benchmarks.interruption_material import Material
from tests.benchmarks.measuring import show_table, start_vifi
from tests.cli.conftest import lend_starter
from vifi_cli.video.failure_kind import FailureKind

VANISHINGS, FULL_DISKS = 10, 20
ENOUGH = "512m"
FAILED = 2


def show_all(material: Material, folder: Path, seed: int) -> int:
    """Runs all and prints what came of it; gives the number of faults."""
    if reason := why_not():
        print(f"\ndisks skipped: {reason}")
        return 0
    folder.mkdir(parents=True)
    rows, faults = [], []
    for what, run in (("vanished", vanish), ("full", fill)):
        row, found = run(material, folder / what, seed)
        rows.append(row)
        faults += [f"{what}: {fault}" for fault in found]
    show_table("Failing disks", ("disk", "runs", "of these disturbed", "exit codes", "faults"), rows)
    print(*faults, sep="\n")
    return len(faults)


def why_not() -> str:
    """Why mounts cannot be made here; empty if they can."""
    if sys.platform != "linux":
        return "mounts are made on Linux only"
    return "" if os.geteuid() == 0 else "only root may mount"


def vanish(material: Material, folder: Path, seed: int) -> tuple[list[str], list[str]]:
    """Detaches the disk at a random moment of an index run, and binds it again for the next."""
    source, disk, home = folder / "source", folder / "disk", folder / "home"
    disk.mkdir(parents=True)
    shutil.copytree(material.videos, source)
    chance, faults, codes, disturbed = random.Random(f"vanish {seed}"), [], [], 0
    undisturbed = folder / "undisturbed"
    lend(material, undisturbed)
    bind(source, disk)
    started = time.perf_counter()
    run_to_end(index(undisturbed, disk, material))
    seconds = time.perf_counter() - started
    for number in range(VANISHINGS):
        if not number % 3:
            shutil.rmtree(home, ignore_errors=True)
            lend(material, home)
        before = {path for path, kind in stored(home / "index") if kind == "video"}
        process = index(home, disk, material)
        try:
            process.wait(seconds * chance.uniform(0.3, 1.0))
        except subprocess.TimeoutExpired:
            disturbed += 1
        unbind(disk)
        _, errors = process.communicate()
        codes.append(process.returncode)
        faults += unclean(process.returncode, errors, (OK, SOME_FAILED, FAILED))
        after = stored(home / "index")
        if lost := before - {path for path, _ in after}:
            faults.append(f"run {number}: lost {len(lost)} videos")
        good = {path for path, kind in stored(undisturbed / "index") if kind == "video"}
        if blocked := good & {path for path, kind in after if kind == FailureKind.UNREADABLE}:
            faults.append(f"run {number}: {len(blocked)} good videos count as unreadable")
        bind(source, disk)
        if number % 3 == 2 or number == VANISHINGS - 1:
            run_to_end(index(home, disk, material))
            if difference := index_difference(home / "index", undisturbed / "index"):
                faults.append(f"run {number}: after it came back: {difference}")
    unbind(disk)
    return [
        "vanishes and comes back",
        str(VANISHINGS),
        str(disturbed),
        in_words(codes),
        str(len(faults)),
    ], faults


def lend(material: Material, home: Path) -> None:
    """Makes a data folder with the compiled encoder."""
    home.mkdir(parents=True)
    lend_starter(material.compiled, home)


def index(home: Path, disk: Path, material: Material) -> "subprocess.Popen[bytes]":
    """`vifi index` of a disk."""
    arguments = ("index", str(disk), "--model", "starter", "--json")
    return start_vifi(home, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def fill(material: Material, folder: Path, seed: int) -> tuple[list[str], list[str]]:
    """Runs commands that write to a disk too small for them, at random sizes, then to one that is large enough."""
    chance, faults, codes, disturbed = random.Random(f"full {seed}"), [], [], 0
    for kind, runs in ((Index, 8), (Cut, 6), (Finetune, 6)):
        command = kind(material)
        undisturbed = folder / f"{command.name}-undisturbed"
        command.prepare(undisturbed)
        run_to_end(command.start(undisturbed))
        needed = sum(path.lstat().st_size for path in undisturbed.rglob("*") if path.is_file())
        for number in range(runs):
            place = folder / f"{command.name}-{number}"
            place.mkdir(parents=True)
            mount_small(place, max(int(needed * chance.uniform(0.1, 1.1)), 64 * 1024))
            command.prepare(place)
            process = command.start(place)
            _, errors = process.communicate()
            codes.append(process.returncode)
            disturbed += process.returncode not in (OK, SOME_FAILED)
            where = f"{command.name} {number}"
            faults += [
                f"{where}: {fault}"
                for fault in unclean(process.returncode, errors, (OK, SOME_FAILED, FAILED))
            ]
            if process.returncode == FAILED and not says_full(errors):
                faults.append(
                    f"{where}: the message does not say that the disk is full: {errors.decode()[-300:]}"
                )
            if left := command.leftovers(place):
                faults.append(f"{where}: the full disk left {left[:5]}")
            before = command.kept(place)
            enlarge(place)
            faults += [f"{where}: {fault}" for fault in goes_on(command, place, undisturbed, before)]
            subprocess.run(["umount", "-l", str(place)], check=True)
    return ["full", "20", str(disturbed), in_words(codes), str(len(faults))], faults


def goes_on(command: Command, place: Path, undisturbed: Path, before: set[object]) -> list[str]:
    """What is wrong after the disk has room again and the command ran to its end."""
    try:
        run_to_end(command.start(place))
    except RuntimeError as error:
        return [f"does not go on: {error}"]
    if lost := before - command.kept(place):
        return [f"lost {sorted(map(str, lost))[:5]}"]
    found = [difference] if (difference := command.difference(place, undisturbed)) else []
    return [*found, *(f"left {name}" for name in command.leftovers(place))]


def unclean(exit_code: int, errors: bytes, allowed: tuple[int, ...]) -> list[str]:
    """What is wrong with how a program ended."""
    text = errors.decode(errors="replace")
    if exit_code not in allowed or "Traceback" in text or "a bug in vifi" in text:
        return [f"exit code {exit_code}: {text[-600:]}"]
    return []


def says_full(errors: bytes) -> bool:
    """Whether a message names the disk as the cause."""
    text = errors.decode(errors="replace").lower()
    return any(
        words in text for words in ("no space", "disk is full", "full", "free some space", "make room")
    )


def in_words(codes: list[int]) -> str:
    """Exit codes with their counts."""
    return ", ".join(f"{code} × {codes.count(code)}" for code in sorted(set(codes)))


def bind(source: Path, disk: Path) -> None:
    """Shows the source at the disk's place."""
    subprocess.run(["mount", "--bind", str(source), str(disk)], check=True)


def unbind(disk: Path) -> None:
    """Takes the disk away, whoever reads it."""
    subprocess.run(["umount", "-l", str(disk)], check=True)


def mount_small(place: Path, size_bytes: int) -> None:
    """Mounts an empty tmpfs of a size."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(place)], check=True)


def enlarge(place: Path) -> None:
    """Makes room."""
    subprocess.run(["mount", "-o", f"remount,size={ENOUGH}", str(place)], check=True)
