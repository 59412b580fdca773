"""Damages small real videos in eight ways, indexes all in one run of `vifi index`, and cuts a sample of them.

    python -m tests.benchmarks.fuzz [--files 300] [--seed 0] [--cuts 100] [--model MODEL] [FOLDER ...]

Without folders it takes shared/videos and a few files of its own, so that most containers are there. The encoder is a
tiny CLIP with random weights, because decoding is what is tested; `--model starter` takes the real one. Cuts are made
once encoded, with previews on a page, and once copied.

Counted as faults: a program that ends with another code than its documented ones or with a traceback, a file or moment
without a result or a reason, a reason that names an exception, a decoder that hangs, a process that is left, and a
duration beyond ten times that of the undamaged file. Decoders that crash are counted apart: FFmpeg may crash, and vifi
replaces them. The exit code is 1 if there is a fault.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import psutil

from tests.benchmarks.damaged_videos import make_sources, sources_in, write_damaged
from tests.benchmarks.measuring import SHARED_VIDEOS, show_machine, show_table, start_vifi
from tests.benchmarks.process_memory import MemoryPeaks, MemoryWatch
from tests.model.conftest import make_tiny_clip
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.video.files.recognition import judge as judge_file

TIMES_LONGER = 10
LEAST_SECONDS = 1.0  # a still of 0.04 s may become a second
SECONDS_A_FILE, LEAST_LIMIT_SECONDS = 3.0, 600.0
CUT_SECONDS = 1.0
OK, SOME_FAILED = 0, 3
MB = 1e6
EXCEPTION = re.compile(r"\b\w*(Error|Exception|Interrupt)\b|Traceback|a bug in vifi|did not expect")


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    exit_code: int
    stdout: str
    stderr: str
    seconds: float
    peaks: MemoryPeaks
    left: int  # processes of it that outlived it
    timed_out: bool


@dataclass
class Findings:
    """Faults, each with the files it was seen on, and what is worth knowing besides."""

    faults: dict[str, list[str]] = field(default_factory=dict)
    rows: list[list[str]] = field(default_factory=list)

    def fault(self, kind: str, where: str) -> None:
        """Notes a fault."""
        self.faults.setdefault(kind, []).append(where)


def run_vifi(home: Path, limit_seconds: float, *arguments: str, given: str = "") -> Ended:
    """Runs vifi to its end, or kills it after a time."""
    started = time.perf_counter()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = start_vifi(home, *arguments, **pipes)
    timed_out = False
    with MemoryWatch(process) as peaks:
        try:
            output, errors = process.communicate(given.encode(), limit_seconds)
        except subprocess.TimeoutExpired:
            timed_out = True
            process.kill()
            output, errors = process.communicate()
    children = [psutil.Process(pid) for pid in peaks.of_child if psutil.pid_exists(pid)]
    _, left = psutil.wait_procs(children, timeout=5)
    seconds = time.perf_counter() - started
    texts = (output.decode(errors="replace"), errors.decode(errors="replace"))
    return Ended(process.returncode, *texts, seconds, peaks, len(left), timed_out)


def judge(ended: Ended, findings: Findings, what: str) -> None:
    """Notes what is wrong with how a program ended."""
    if ended.timed_out:
        findings.fault("hang", what)
    elif ended.exit_code not in (OK, SOME_FAILED) or "Traceback" in ended.stderr:
        findings.fault("crash", f"{what}: exit code {ended.exit_code}: {ended.stderr[-2000:]}")
    if ended.left:
        findings.fault("process left", what)
    peaks = ended.peaks
    memory = [f"{size / MB:,.0f}" for size in (peaks.program, peaks.largest_child, peaks.together)]
    findings.rows.append([what, f"{ended.seconds:.0f}", str(ended.exit_code), *memory])


def durations(home: Path) -> dict[Path, float]:
    """Seconds of each indexed video."""
    with Catalog(home / "index" / CATALOG_FILE) as catalog:
        if faults := catalog.faults():
            sys.exit(f"the catalog is damaged: {faults}")
        return {video.path: video.duration_seconds for video in catalog.videos()}


def check_indexing(
    ended: Ended, home: Path, origins: dict[Path, Path], findings: Findings
) -> dict[Path, float]:
    """Compares what the index holds with the files; gives the seconds of each damaged one that is indexed."""
    report = json.loads(ended.stdout or '{"failed": [], "out_of_reach": [], "skipped_files": {}}')
    listed = [*report["failed"], *report["out_of_reach"]]
    reasons = {Path(failed["path"]): failed["reason"] for failed in listed}
    lengths = durations(home)
    skipped = {path for path in origins if judge_file(path, path.stat().st_size) != "video"}
    if len(skipped) != sum(report["skipped_files"].values()):
        findings.fault("skipped files miscounted", f"{len(skipped)}, and not {report['skipped_files']}")
    for damaged, source in origins.items():
        if damaged not in lengths and damaged not in reasons and damaged not in skipped:
            findings.fault("unaccounted", str(damaged))
        if damaged in lengths and source in lengths:
            most_seconds = TIMES_LONGER * max(lengths[source], LEAST_SECONDS)
            if lengths[damaged] > most_seconds:
                findings.fault("too long", f"{damaged}: {lengths[damaged]:.0f} s of {lengths[source]:.1f} s")
    note_reasons(reasons, findings)
    for line in ended.stderr.splitlines():
        if EXCEPTION.search(line):
            findings.fault("exception in a message", line[-300:])
    return {path: seconds for path, seconds in lengths.items() if path in origins}


def note_reasons(reasons: dict[Path, str], findings: Findings) -> None:
    """Judges the reasons, and shows the most frequent."""
    for path, reason in reasons.items():
        if "hung" in reason:
            findings.fault("decoder hung", str(path))
        if EXCEPTION.search(reason):
            findings.fault("exception in a message", f"{path}: {reason}")
    kinds = Counter(re.sub(r"\d+([.,]\d+)*", "N", reason)[:70] for reason in reasons.values())
    crashes = sum("decoder crashed" in reason or "killed" in reason for reason in reasons.values())
    show_table(
        "Reasons", ("files", "reason"), [[str(count), reason] for reason, count in kinds.most_common(25)]
    )
    print(f"\ndecoders that crashed or were killed, and were replaced: {crashes}")


def cut_sample(
    home: Path, lengths: dict[Path, float], folder: Path, count: int, seed: int, findings: Findings
) -> None:
    """Cuts a second of each of a sample, encoded with previews and copied, and looks for a result of each."""
    random = Random(seed)
    sample = random.sample(sorted(lengths), min(count, len(lengths)))
    starts = {path: random.uniform(0, max(lengths[path] - CUT_SECONDS, 0)) for path in sample}
    hits = [
        {"path": str(path), "start_seconds": start, "end_seconds": start + CUT_SECONDS}
        for path, start in starts.items()
    ]
    limit_seconds = LEAST_LIMIT_SECONDS + SECONDS_A_FILE * len(sample)
    for what, options in (
        ("cut, previews", ("--html", str(folder / "page.html"))),
        ("cut --copy", ("--copy",)),
    ):
        target = folder / what.replace(" ", "_").replace(",", "")
        arguments = ("cut", "-", "--json", "--output", str(target), *options)
        ended = run_vifi(home, limit_seconds, *arguments, given=json.dumps({"hits": hits}))
        judge(ended, findings, f"{what} ({len(sample):,} moments)")
        report = json.loads(ended.stdout or '{"clips": [], "failed": []}')
        made = {clip["path"] for clip in report["clips"]}
        reasons = {Path(failed["path"]): failed["reason"] for failed in report["failed"]}
        for path in sample:
            if str(path) not in made and path not in reasons:
                findings.fault("unaccounted moment", f"{what}: {path}")
        for clip in report["clips"]:
            if not Path(clip["clip"]).stat().st_size:
                findings.fault("empty clip", f"{what}: {clip['path']}")
        for line in [*reasons.values(), *ended.stderr.splitlines()]:
            if EXCEPTION.search(line):
                findings.fault("exception in a message", f"{what}: {line[-300:]}")
            if "hung" in line:
                findings.fault("decoder hung", f"{what}: {line[-300:]}")
        if left := [path.name for path in target.parent.rglob(".*")]:
            findings.fault("temporary file left", f"{what}: {left[:5]}")
        print(f"{what}: {len(made):,} clips, {len(reasons):,} failed with a reason")


def fuzz(arguments: argparse.Namespace, folder: Path) -> Findings:
    """Makes, indexes and cuts; gives what was found."""
    findings, home = Findings(), folder / "home"
    model = arguments.model or str(make_tiny_clip(folder / "tiny_clip"))
    made = make_sources(folder / "made")
    sources = sources_in([folder / "made", *(arguments.folders or [SHARED_VIDEOS])])
    origins = write_damaged(sources, folder / "damaged", arguments.files, arguments.seed)
    size = sum(path.stat().st_size for path in origins)
    print(
        f"{len(origins):,} damaged files ({size / MB:,.0f} MB) of {len(sources)} sources, {len(made)} of them made here"
    )
    originals = [str(source) for source in sources]
    judge(
        run_vifi(home, LEAST_LIMIT_SECONDS, "index", *originals, "--model", model, "--json"),
        findings,
        "originals",
    )
    limit_seconds = LEAST_LIMIT_SECONDS + SECONDS_A_FILE * len(origins)
    ended = run_vifi(home, limit_seconds, "index", str(folder / "damaged"), "--json")
    judge(ended, findings, f"index ({len(origins):,} files)")
    lengths = check_indexing(ended, home, origins, findings)
    print(f"indexed {len(lengths):,}, failed with a reason {len(origins) - len(lengths):,}")
    cut_sample(home, lengths, folder / "cut", arguments.cuts, arguments.seed, findings)
    return findings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--files", type=int, default=300, help="how many damaged files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cuts", type=int, default=100, help="how many moments to cut")
    parser.add_argument("--model", help="the encoder; a tiny one with random weights if you name none")
    parser.add_argument("--keep", type=Path, help="a new folder to work in and to keep, to look at faults")
    parser.add_argument("folders", type=Path, nargs="*", help="where the videos are")
    arguments = parser.parse_args()
    if missing := [folder for folder in arguments.folders or [SHARED_VIDEOS] if not folder.is_dir()]:
        sys.exit(f"skipped: {missing[0]} is not here; name a folder of videos")
    show_machine()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        findings = fuzz(arguments, folder)
    heads = ("run", "s", "exit code", "parent MB", "largest child MB", "together MB")
    show_table("Runs and their memory peaks", heads, findings.rows)
    print(f"\nfaults: {sum(map(len, findings.faults.values()))}")
    for kind, places in findings.faults.items():
        print(f"{kind}: {len(places)}", *places[:20], sep="\n    ")
    sys.exit(bool(findings.faults))


if __name__ == "__main__":
    main()
