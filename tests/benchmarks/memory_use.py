"""The most memory that `vifi index` takes: a long made video against a short one.

    python -m tests.benchmarks.memory_use [--minutes 10 120]

Each video is indexed by a program of its own. Its resident memory, and that of the processes it starts to decode,
is read five times a second; libraries that several processes share count for each of them. The first row is a run
that finds nothing new to index.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.measuring import (
    compile_encoder,
    show_machine,
    show_table,
    start_vifi,
    write_panning_clip,
)
from tests.benchmarks.process_memory import MemoryWatch


def index(home: Path, videos: Path, title: str) -> list[str]:
    """Indexes in a process of its own; one row of the table."""
    started = time.perf_counter()
    log = home / "log.txt"
    with log.open("wb") as output:
        process = start_vifi(
            home, "index", str(videos), "--model", "starter", stdout=output, stderr=subprocess.STDOUT
        )
        with MemoryWatch(process) as peaks:
            process.wait()
    if process.wait():
        sys.exit(log.read_text())
    seconds = time.perf_counter() - started
    megabytes = (peaks.program, peaks.others, peaks.together)
    return [title, f"{seconds:.1f}", *(f"{size / 2**20:,.0f}" for size in megabytes)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, nargs="+", default=[10, 120], help="lengths of the videos")
    arguments = parser.parse_args()
    show_machine()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        compile_encoder(home)
        for minutes in arguments.minutes:
            videos = Path(folder) / f"{minutes:g}"
            videos.mkdir()
            write_panning_clip(
                videos / "video.mp4",
                minutes * 60,
                width=320,
                height=180,
                frames_per_second=12,
                keyframe_seconds=8,
                preset="ultrafast",
            )
            rows.append(index(home, videos, f"{minutes:g} minutes"))
        rows.insert(0, index(home, videos, "nothing new"))
    heads = (
        "video of 320 x 180, 12 fps",
        "seconds",
        "program, MiB",
        "decoding processes, MiB",
        "together, MiB",
    )
    show_table("The most resident memory", heads, rows)


if __name__ == "__main__":
    main()
