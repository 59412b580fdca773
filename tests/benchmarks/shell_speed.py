"""How fast `vifi shell` answers, against one `vifi search` a query, in one run:

    python -m tests.benchmarks.shell_speed

Indexes are made as in `tests.benchmarks.search_speed`. Each way is asked queries never asked before, which go through
the text tower, and then the same ones again, which come from the cache of queries. The ways take turns, the fastest
round of each query counts (a round asks about another place), and of the queries their median. A one-shot search counts
from the start of its process to its end, a line of the shell from when it is written to its pipe until the answer has
been read.
"""

import argparse
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from itertools import product
from pathlib import Path
from statistics import median

from tests.benchmarks.measuring import compile_encoder, show_machine, show_table, start_vifi
from tests.benchmarks.search_speed import QUERIES, fill, search_by_program, seconds_of
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.index.vectors import open_vectors
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import ViFiEncoder, load_encoder
from vifi_cli.video.decode.frame_sampling import FrameSampling

PLACES = ("by the sea", "in the rain", "at night", "in a kitchen")


class OpenShell:
    """A `vifi shell` that is fed through a pipe."""

    def __init__(self, home: Path) -> None:
        self.process = start_vifi(
            home, "shell", "--json", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def ask(self, query: str) -> None:
        """Writes a line and reads its answer."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{query}\n".encode())
        self.process.stdin.flush()
        assert self.process.stdout.readline().startswith(b'{"query"')

    def close(self) -> None:
        """Ends it, as Ctrl-D does."""
        self.process.communicate(timeout=60)


def measure(windows: int, home: Path, encoder: ViFiEncoder, rounds: int) -> list[str]:
    """One row: medians of both ways, for new and for known queries."""
    with Catalog.create(home / "index" / CATALOG_FILE, indexed_with(encoder, FrameSampling())) as catalog:
        fill(catalog, windows)
        total = len(catalog.window_ids())
        open_vectors(catalog)
    shell = OpenShell(home)
    first = seconds_of(lambda: shell.ask(f"the first query among {total}"))
    ways: dict[str, Callable[[str], None]] = {
        "program": lambda query: search_by_program(home, query),
        "shell": shell.ask,
    }
    times: dict[tuple[str, str], dict[str, float]] = {}
    for place, query in product(PLACES[:rounds], QUERIES):
        for way, ask in ways.items():
            asked = f"{query} {place}, {way}, {total}"  # each way asks what has never been asked
            for age in ("new", "known"):
                taken = seconds_of(lambda: ask(asked))  # noqa: B023
                fastest = times.setdefault((way, age), {})
                fastest[query] = min(taken, fastest.get(query, taken))
    shell.close()
    row = [f"{total:,}", f"{first:.2f}"]
    for age in ("new", "known"):
        program, line = (median(times[way, age].values()) for way in ways)
        row += [f"{program * 1000:.0f}", f"{line * 1000:.0f}", f"{program / line:.0f}"]
    return [*row, f"{max(times['shell', 'new'].values()) * 1000:.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--windows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--rounds", type=int, choices=range(1, len(PLACES) + 1), default=2)
    arguments = parser.parse_args()
    show_machine()
    encoder = load_encoder(resolve_model("starter"), "cpu")
    rows = []
    with tempfile.TemporaryDirectory() as home:
        compile_encoder(Path(home))
        for windows in arguments.windows:
            rows.append(measure(windows, Path(home), encoder, arguments.rounds))
            shutil.rmtree(Path(home) / "index")
    heads = ("windows", "shell started and first answer, s")
    for age in ("new", "known"):
        heads += (f"{age} query: program, ms", "shell, ms", "times as fast")
    show_table("Answers, medians of the fastest", (*heads, "slowest new query in the shell, ms"), rows)


if __name__ == "__main__":
    main()
