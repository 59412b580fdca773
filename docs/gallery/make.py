"""Makes the pictures of docs/gallery.md again:

    python -m docs.gallery.make [--folder /tmp/vifi-gallery] [--actions FOLDER] [NAME ...]

The clips are those of `vifi demo` but for the four with a photograph whose licence scikit-image does not tell. Pages
are shown by Chromium. The map needs the action clips of the reference videos (`ucf101_mini` and `hmdb51_mini`, a folder
a class); without --actions it stays as it is. With names, only pictures of these names are made.
"""

import argparse
import csv
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from docs.gallery.terminal import draw_terminal, type_command
from vifi_cli.api.library.demo import CLIPS, make_clips

ROOT = Path(__file__).parents[2]
PICTURES = Path(__file__).parent
LICENCE_NOT_TOLD = {"stereo_motorcycle", "moon", "page"}
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CHROMIUM_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
COLOURS = 256
DITHERED = {"attention", "attention-film"}  # their colors run evenly; the others look alike without
TERMINAL_COLUMNS = 84
LIGHT = {"viewport": {"width": 1120, "height": 600}, "color_scheme": "light"}
DARK = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"}
PHONE = {
    "viewport": {"width": 390, "height": 780},
    "color_scheme": "light",
    "has_touch": True,
    "is_mobile": True,
}
PATIENCE_MS = 300_000
ALL_IS_SHOWN = (
    "() => [...document.images].filter(image => image.checkVisibility())"
    ".every(image => image.complete && image.naturalWidth > 0)"
)
ALL_MOVE = (
    "() => [...document.querySelectorAll('.frame img')].filter(image => image.checkVisibility()).slice(0, 4)"
    ".every(image => image.src.includes('/preview'))"
)
PREVIEW_MS = 1_200
IS_SHARP = (
    "() => { const video = document.querySelector('video'); return video.readyState > 2 && !video.seeking; }"
)


@dataclass(frozen=True, slots=True)
class Studio:
    """Where pictures are made.

    Attributes:
        folder: holds the clips, and all that the commands write.
        actions: the folder of the action clips, if there is one.
        browser: shows pages.
    """

    folder: Path
    actions: Path | None
    browser: Browser

    @property
    def environment(self) -> dict[str, str]:
        """Of the commands: with a data folder of their own."""
        return {
            **os.environ,
            "VIFI_HOME": str(self.folder / "home"),
            "HF_HUB_OFFLINE": "1",
            "PYTHONPATH": str(ROOT),
        }

    def run(self, *arguments: str) -> None:
        """Runs `vifi` among the clips."""
        print("$ vifi", *arguments, flush=True)
        command = [sys.executable, "-m", "vifi_cli", *arguments]
        subprocess.run(command, cwd=self.folder / "videos", env=self.environment, check=True)

    @contextmanager
    def page(self, look: dict[str, object], address: str = "about:blank") -> Iterator[Page]:
        """A page in the browser, with all its pictures."""
        context = self.browser.new_context(**look)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.goto(address)
        page.wait_for_function(ALL_IS_SHOWN)
        yield page
        context.close()

    @contextmanager
    def server(self) -> Iterator[str]:
        """The address of a running `vifi serve`."""
        command = [sys.executable, "-m", "vifi_cli", "serve"]
        with subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout
            try:
                yield server.stdout.readline().strip()
            finally:
                server.terminate()


def search_on_terminal(studio: Studio, target: Path) -> None:
    """A search for what is there, for what is there twice, and for what is not."""
    queries = ("a cat", "a cup of coffee", "a wedding")
    show_terminal(studio, [("search", query) for query in queries], target)


def classify_on_terminal(studio: Studio, target: Path) -> None:
    """Which class a video shows when, as bars."""
    labels = "a cup of coffee,a cat"
    show_terminal(
        studio, [("classify", "pets.mp4", "--model", "starter", "--over-time", "--classes", labels)], target
    )


def show_terminal(studio: Studio, commands: Sequence[tuple[str, ...]], target: Path) -> None:
    """Commands, and what they write."""
    (studio.folder / "bin").mkdir(exist_ok=True)
    program = studio.folder / "bin" / "vifi"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m vifi_cli "$@"\n')
    program.chmod(0o755)
    environment = studio.environment | {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    lines = [" ".join(f'"{part}"' if " " in part else part for part in ("vifi", *each)) for each in commands]
    typed = [type_command(line, studio.folder / "videos", environment, TERMINAL_COLUMNS) for line in lines]
    with studio.page({"viewport": {"width": 900, "height": 700}}) as page:
        draw_terminal(page, typed, TERMINAL_COLUMNS, target)


def serve_light(studio: Studio, target: Path) -> None:
    """The hits of a search, on a desktop."""
    with studio.server() as address, studio.page(LIGHT, f"{address}?q=a+cup+of+coffee") as page:
        previews_run(page)
        page.screenshot(path=target)


def previews_run(page: Page) -> None:
    """Waits until pictures move, and for what is in the midst of a moment to be seen."""
    page.wait_for_function(ALL_MOVE)
    page.wait_for_function(ALL_IS_SHOWN)
    page.wait_for_timeout(PREVIEW_MS)


def serve_player(studio: Studio, target: Path) -> None:
    """A moment that plays, in the dark."""
    with studio.server() as address, studio.page(DARK, f"{address}?q=a+rocket+on+its+launch+pad") as page:
        page.locator("a.play").first.click()
        page.locator("dialog").wait_for()
        page.wait_for_function(IS_SHARP)
        page.screenshot(path=target)


def serve_phone(studio: Studio, target: Path) -> None:
    """The hits of a search, on a phone."""
    with studio.server() as address, studio.page(PHONE, f"{address}?q=a+cat") as page:
        previews_run(page)
        page.screenshot(path=target)


def serve_teach(studio: Studio, target: Path) -> None:
    """A concept that is taught by marks."""
    look = LIGHT | {"viewport": {"width": 1000, "height": 520}}
    with studio.server() as address, studio.page(look, f"{address}?q=a+cat") as page:
        page.get_by_text("Teach this").click()
        page.get_by_role("button", name="Start teaching").click()
        page.wait_for_url("**teach=cat")
        page.goto(f"{address}?teach=cat")
        for hit in page.locator(".card").all()[:3]:
            name = hit.locator("a.play").get_attribute("data-name")
            hit.get_by_role("button", name="Right" if name in {"pets.mp4", "garden.mp4"} else "Wrong").click()
            hit.locator("[aria-pressed=true]").wait_for()
        page.evaluate("() => scrollTo(0, 0)")
        page.mouse.move(0, 0)
        previews_run(page)
        page.screenshot(path=target)


def serve_teach_phone(studio: Studio, target: Path) -> None:
    """The same on a phone, while the hits of a search are marked."""
    right, wrong = ("pets.mp4@0:05-0:10", "garden.mp4@0:04-0:10"), "campus.mp4@0:05-0:10"
    studio.run("teach", "cat", "a cat", "--right", right[0], "--right", right[1], "--wrong", wrong)
    with studio.server() as address, studio.page(PHONE, f"{address}?q=a+cat&teach=cat") as page:
        page.locator("[aria-pressed=true]").first.wait_for()
        previews_run(page)
        page.screenshot(path=target)


def cut_page(studio: Studio, target: Path) -> None:
    """The page that `vifi cut` writes."""
    written = studio.folder / "rocket.html"
    studio.run("cut", "a rocket on its launch pad", "--html", str(written), "--overwrite")
    look = {"viewport": {"width": 984, "height": 420}, "color_scheme": "light"}
    with studio.page(look, written.as_uri()) as page:
        page.screenshot(path=target)


def attention_sheet(studio: Studio, target: Path) -> None:
    """Where the model sees a cat."""
    studio.run(
        "attention", "pets.mp4", "--model", "starter", "--text", "a cat", "--frames", "6", "-o", str(target)
    )


def attention_film(studio: Studio, target: Path) -> None:
    """A frame of the film."""
    film = studio.folder / "rocket.mp4"
    text = "a rocket on its launch pad"
    studio.run("attention", "cape_canaveral.mp4", "--model", "starter", "--text", text, "-o", str(film))
    with av.open(film) as container:
        frame = next(
            frame for frame in container.decode(video=0) if frame.time is not None and frame.time >= 2
        )
        frame.to_image().save(target)


def strip(studio: Studio, target: Path) -> None:
    """Which class a video shows when, as a picture."""
    labels = "a photographer with a tripod,grass"
    studio.run(
        "classify",
        "campus.mp4",
        "--model",
        "starter",
        "--classes",
        labels,
        "--over-time",
        "--picture",
        str(target),
    )


def embed_map(studio: Studio, target: Path) -> None:
    """How far classes lie apart; points only, for the clips are not ours to show."""
    if not studio.actions:
        print(f"{target.name} stays as it is: it needs --actions")
        return
    table = studio.folder / "actions.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split"])
        for name in ("ucf101_mini", "hmdb51_mini"):
            for clip in sorted((studio.actions / name).glob("*/*")):
                writer.writerow([clip.absolute(), clip.parent.name, "test"])
    shown = studio.folder / "map"
    studio.run(
        "embed-map", "--model", "starter", "--data", str(table), "--no-thumbnails", "--output", str(shown)
    )
    shutil.copy(shown / "embed-map.png", target)


MADE: dict[str, Callable[[Studio, Path], None]] = {
    "search": search_on_terminal,
    "serve": serve_light,
    "serve-player": serve_player,
    "serve-phone": serve_phone,
    "serve-teach": serve_teach,
    "serve-teach-phone": serve_teach_phone,
    "cut": cut_page,
    "classify": classify_on_terminal,
    "classify-strip": strip,
    "attention": attention_sheet,
    "attention-film": attention_film,
    "embed-map": embed_map,
}


def main() -> None:
    """Makes clips, indexes them, and makes the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *MADE], metavar="NAME", help=", ".join(MADE))
    parser.add_argument("--folder", type=Path, default=Path("/tmp/vifi-gallery"))
    parser.add_argument("--actions", type=Path)
    arguments = parser.parse_args()
    if not CHROMIUM:
        sys.exit("Chromium is needed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        studio = Studio(arguments.folder, arguments.actions, browser)
        prepare(studio)
        for name in arguments.names or MADE:
            target = studio.folder / f"{name}.png"
            MADE[name](studio, target)
            if target.exists():
                keep(target, PICTURES / target.name)
        browser.close()


def prepare(studio: Studio) -> None:
    """Makes the clips, unless they are there, and indexes them."""
    videos = studio.folder / "videos"
    if not videos.exists():
        make_clips(videos)
        for name, photographs in CLIPS.items():
            if LICENCE_NOT_TOLD.intersection(photographs):
                (videos / name).unlink()
    studio.run("index", str(videos), "--model", "starter")


def keep(made: Path, target: Path) -> None:
    """Keeps a picture as a PNG of few colours, which is a third as large."""
    with Image.open(made) as picture:
        colours = picture.convert("RGB")
        few = colours.quantize(COLOURS, Image.Quantize.MEDIANCUT, kmeans=1)
        if target.stem in DITHERED:
            few = colours.quantize(palette=few, dither=Image.Dither.FLOYDSTEINBERG)
        few.save(target, optimize=True)
        print(
            f"{target.name}: {picture.width} x {picture.height}, {target.stat().st_size // 1000} kB",
            flush=True,
        )


if __name__ == "__main__":
    main()
