"""How fast the page of `vifi serve` answers, against one `vifi search` a query, in one run:

    python -m tests.benchmarks.page_speed

Indexes are made as in `tests.benchmarks.search_speed`. A query of the page counts from when its address is asked for
until the page with the first 24 hits has been read; `vifi search --top 24` from the start of its process to its end.
Each way is asked queries never asked before, and then the same ones again. The ways take turns, the fastest round of
each query counts, and of the queries their median. Where Chromium is installed, it then opens pages of 24 and of 1,000
hits of the largest index and scrolls through each in 40 steps; a step counts until the page is drawn again. In place
of stills come drawings that say that the file is not there, since the videos are made of numbers.
"""

import argparse
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from pathlib import Path
from statistics import median
from urllib.parse import urlencode
from urllib.request import urlopen

from tests.benchmarks.measuring import compile_encoder, show_machine, show_table, start_vifi
from tests.benchmarks.search_speed import QUERIES, fill, made_video, seconds_of
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.index.vectors import open_vectors
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import ViFiEncoder, load_encoder
from vifi_cli.video.decode.frame_sampling import FrameSampling

HITS = 24
SCROLLED_HITS = (24, 1000)
SHORT_VIDEOS = 400  # each gives three hits at most
SCROLL_STEPS = 40
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FRAMES_OF_SCROLLING = """async steps => {
    const times = [], height = document.documentElement.scrollHeight - innerHeight;
    for (let step = 1; step <= steps; step++) {
        const began = performance.now();
        scrollTo(0, height * step / steps);
        await new Promise(shown => requestAnimationFrame(() => setTimeout(shown)));
        times.push(performance.now() - began);
    }
    return times.sort((a, b) => a - b);
}"""


class OpenPage:
    """A running `vifi serve`."""

    def __init__(self, home: Path) -> None:
        self.process = start_vifi(
            home, "serve", "--port", "0", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self.process.stdout
        self.address = self.process.stdout.readline().decode().strip()

    def ask(self, query: str, top: int = HITS) -> int:
        """Reads the page of a query; gives the number of its hits."""
        with urlopen(f"{self.address}?{urlencode({'q': query, 'top': top})}") as answer:
            return len(re.findall(rb'<li class="card', answer.read()))

    def close(self) -> None:
        """Ends it."""
        self.process.terminate()
        self.process.communicate(timeout=60)


def search_by_program(home: Path, query: str) -> None:
    """One `vifi search`, of as many hits as the page shows."""
    arguments = ("search", query, "--json", "--top", str(HITS), "--min-score", "0")
    process = start_vifi(home, *arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    output, _ = process.communicate()
    assert output.startswith(b"{")


def measure(page: OpenPage, windows: int, home: Path, rounds: int) -> list[str]:
    """One row: the fastest of both ways, for new and for known queries."""
    first = seconds_of(lambda: page.ask(f"the first query among {windows}"))
    ways: dict[str, Callable[[str], object]] = {
        "program": lambda query: search_by_program(home, query),
        "page": page.ask,
    }
    times: dict[tuple[str, str], dict[str, float]] = {}
    for number, query in product(range(rounds), QUERIES):
        for way, ask in ways.items():
            asked = f"{query}, {number}, {way}, {windows}"  # each way asks what has never been asked
            for age in ("new", "known"):
                taken = seconds_of(lambda: ask(asked))  # noqa: B023
                fastest = times.setdefault((way, age), {})
                fastest[query] = min(taken, fastest.get(query, taken))
    row = [f"{windows:,}", f"{first * 1000:.0f}"]
    for age in ("new", "known"):
        program, served = (median(times[way, age].values()) for way in ways)
        row += [f"{program * 1000:.0f}", f"{served * 1000:.0f}", f"{program / served:.0f}"]
    return [*row, f"{max(times['page', 'new'].values()) * 1000:.0f}"]


def scroll(page: OpenPage, chromium: str, rounds: int) -> list[list[str]]:
    """A row for each length of list: the server's time, the browser's until it is laid out, and a step of scrolling."""
    from playwright.sync_api import sync_playwright

    best: dict[int, list[float]] = {}
    found: dict[int, int] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        tab.set_default_timeout(120_000)
        for _ in range(rounds):
            for hits in SCROLLED_HITS:
                served = seconds_of(lambda: page.ask(QUERIES[0], hits)) * 1000  # noqa: B023
                address = f"{page.address}?{urlencode({'q': QUERIES[0], 'top': hits})}"
                opened = seconds_of(lambda: tab.goto(address, wait_until="domcontentloaded")) * 1000  # noqa: B023
                found[hits] = tab.locator(".card").count()
                frames = tab.evaluate(FRAMES_OF_SCROLLING, SCROLL_STEPS)
                taken = [served, opened, frames[len(frames) // 2], frames[-1]]
                best[hits] = [min(pair) for pair in zip(taken, best.get(hits, taken), strict=True)]
        browser.close()
    return [[f"{found[hits]:,}", *(f"{ms:.0f}" for ms in best[hits])] for hits in SCROLLED_HITS]


def make_index(home: Path, windows: int, encoder: ViFiEncoder) -> int:
    """Long videos, and short ones so that there are a thousand hits to be had; gives the number of windows."""
    with Catalog.create(home / "index" / CATALOG_FILE, indexed_with(encoder, FrameSampling())) as catalog:
        for number in range(SHORT_VIDEOS):
            catalog.store(made_video(10**6 + number, 20, encoder.dimension))
        fill(catalog, windows - len(catalog.window_ids()))
        open_vectors(catalog)
        return len(catalog.window_ids())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--windows", type=int, nargs="+", default=[100_000])
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    show_machine()
    encoder = load_encoder(resolve_model("starter"), "cpu")
    rows: list[list[str]] = []
    scrolled: list[list[str]] = []
    with tempfile.TemporaryDirectory() as home:
        compile_encoder(Path(home))
        for windows in sorted(arguments.windows):
            with suppress(FileNotFoundError):
                shutil.rmtree(Path(home) / "index")
            total = make_index(Path(home), windows, encoder)
            page = OpenPage(Path(home))
            try:
                rows.append(measure(page, total, Path(home), arguments.rounds))
                if CHROMIUM and windows == max(arguments.windows):
                    scrolled = scroll(page, CHROMIUM, arguments.rounds)
            finally:
                page.close()
    heads = ("windows", "first query, ms")
    for age in ("new", "known"):
        heads += (f"{age} query: program, ms", "page, ms", "times as fast")
    show_table(
        f"The page of {HITS} hits, medians of the fastest",
        (*heads, "slowest new query of the page, ms"),
        rows,
    )
    heads = ("hits", "served, ms", "in Chromium, ms", "a step of scrolling, median, ms", "slowest step, ms")
    show_table("Scrolling through all hits in 40 steps, fastest of each", heads, scrolled)


if __name__ == "__main__":
    main()
