"""Records the first ten minutes of a new user for docs/gallery.md, as README tells them to begin:

    python -m docs.gallery.first_minutes [--home /tmp/you]

The home folder must be absent: nothing is installed, downloaded or compiled there yet. The text is written into the
page, with the time of each command, and two pictures beside it. It needs git, uv, mpv and Chromium.
"""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import sync_playwright

from docs.gallery.make import CHROMIUM, CHROMIUM_FLAGS, LIGHT, PATIENCE_MS, PICTURES, ROOT, keep, previews_run
from docs.gallery.terminal import Typed, draw_terminal, type_command
from vifi_cli.api.library.demo import MOVES, photograph
from vifi_cli.video.export.camera_moves import Scene, write_scenes

PAGE = ROOT / "docs" / "gallery.md"
BEGIN, END = "<!-- made by docs/gallery/first_minutes.py -->", "<!-- until here -->"
COLUMNS = 100
MOST_LINES = 12  # of a command's output, on the page
INHERITED = re.compile(r"PATH|LANG|PIP_.*|UV_.*|SSL_.*|.*_PROXY|.*_proxy|REQUESTS_CA_BUNDLE")
OWN_VIDEOS = {"cat.mp4": ("chelsea",), "launch.mp4": ("rocket", "astronaut"), "walk.mp4": ("camera", "grass")}
HIDDEN_PLAYER = "mpv --vo=null --ao=null --start={start} --length=1 {path}"
"""Plays as mpv does, without a screen and for a second."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command of README, and where it is typed."""

    command: str
    folder: str = ""  # below the home folder
    is_in_picture: bool = False


CLIPS = ".local/share/vifi/demo/clips"
STEPS = (
    Step(f"git clone --quiet {ROOT} vifi"),
    Step("uv tool install -c constraints.txt '.[cpu,starter]'", "vifi"),
    Step("vifi demo"),
    Step('vifi search "something to drink"', is_in_picture=True),
    Step('vifi search "a motorcycle"', CLIPS, is_in_picture=True),
    Step("vifi open 2", CLIPS, is_in_picture=True),
    Step('vifi cut "a motorcycle" --top 2 -o ~/bikes --reel ~/bikes.mp4', CLIPS, is_in_picture=True),
    Step('vifi classify pets.mp4 --classes "a cup of coffee,a cat" --over-time', CLIPS, is_in_picture=True),
    Step("vifi index ~/videos --model starter", is_in_picture=True),
    Step("vifi index ~/videos"),
    Step('vifi search "a rocket"', "videos", is_in_picture=True),
    Step('vifi search "people dancing"', "videos", is_in_picture=True),
    Step("vifi status"),
)


def main() -> None:
    """Records the commands, and writes them into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path("/tmp/you"))
    home: Path = parser.parse_args().home
    home.mkdir()
    make_own_videos(home / "videos")
    environment = empty_environment(home)
    typed = [record(step, home, environment) for step in STEPS]
    write_page(typed)
    draw([each for step, each in zip(STEPS, typed, strict=True) if step.is_in_picture], home, environment)


def make_own_videos(folder: Path) -> None:
    """Videos of somebody's own, made of photographs that scikit-image licenses."""
    folder.mkdir()
    for name, photographs in OWN_VIDEOS.items():
        moves = zip(photographs, MOVES, strict=False)
        write_scenes(folder / name, [Scene(photograph(shown), 5.0, *move) for shown, move in moves])


def empty_environment(home: Path) -> dict[str, str]:
    """What a shell knows after the first login: nothing of this checkout and its packages."""
    kept = {name: value for name, value in os.environ.items() if INHERITED.fullmatch(name)}
    uv = subprocess.run(["which", "uv"], capture_output=True, text=True, check=True).stdout.strip()
    programs = home / ".programs"
    programs.mkdir()
    (programs / "uv").symlink_to(uv)
    path = f"{home}/.local/bin:{programs}:/usr/local/bin:/usr/bin:/bin"
    return {**kept, "HOME": str(home), "PATH": path, "VIFI_PLAYER": HIDDEN_PLAYER, "UV_NO_PROGRESS": "1"}


def record(step: Step, home: Path, environment: dict[str, str]) -> Typed:
    """Types a command; ends everything if it fails, but for a search that finds nothing."""
    typed = type_command(step.command, home / step.folder, environment, COLUMNS)
    print(f"$ {step.command}\n{typed.plain}\n[{typed.wall_seconds:.1f} s]", flush=True)
    if typed.exit_code not in ((0, 1) if "search" in step.command else (0,)):
        sys.exit(f"it ended with {typed.exit_code}")
    return typed


def write_page(typed: Sequence[Typed]) -> None:
    """Writes the text and the times into the page, in the place of those before."""
    blocks, since = [], 0.0
    for each in typed:
        minutes, seconds = divmod(round(since), 60)
        blocks.append(
            f"At {minutes}:{seconds:02}, for {each.wall_seconds:.1f} s "
            f"({each.processor_seconds:.1f} s of processor time):\n\n"
            f"```console\n$ {each.command.replace(str(ROOT), 'ADDRESS')}\n{shortened(each.plain)}```\n"
        )
        since += each.wall_seconds
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n" + "\n".join(blocks) + f"\n{END}{after}")


def shortened(text: str) -> str:
    """The first and the last lines of a long text."""
    lines = text.splitlines()
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES // 2], "…", *lines[-MOST_LINES // 2 :]]
    return "".join(f"{line}\n" for line in lines)


def draw(typed: Sequence[Typed], home: Path, environment: dict[str, str]) -> None:
    """Draws the terminal, and the page of the user's own videos in the browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        page = browser.new_context(**LIGHT).new_page()  # type: ignore[arg-type]
        page.set_default_timeout(PATIENCE_MS)
        draw_terminal(page, typed, COLUMNS, home / "first-minutes.png")
        command = [home / ".local" / "bin" / "vifi", "serve"]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout
            page.goto(f"{server.stdout.readline().strip()}?q=a+rocket")
            previews_run(page)
            page.screenshot(path=home / "first-minutes-page.png")
            server.terminate()
        browser.close()
    for name in ("first-minutes.png", "first-minutes-page.png"):
        keep(home / name, PICTURES / name)


if __name__ == "__main__":
    main()
