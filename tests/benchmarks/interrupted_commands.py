"""Commands that may be killed at any moment: how each begins, goes on, and is compared with an undisturbed run.

A `Command` works in a folder of its own. `kept` lists what a killed run must not lose, `difference` says how a finished
folder differs from that of the undisturbed run, and `leftovers` names files that nobody needs any more.
"""

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from pathlib import Path

import av

from tests.benchmarks.interruption_material import Material
from tests.benchmarks.measuring import start_vifi
from tests.cli.conftest import lend_starter
from tests.index.catalog_content import content
from vifi_cli.index.catalog.catalog import CATALOG_FILE

OK, SOME_FAILED = 0, 3
RECIPE = ("frames=2", "epochs=4", "effective_batch=4", "learning_rate=1e-3", "warmup_epochs=1")
PROMPTS = (
    "prompts.text_context=2",
    "prompts.text_depth=2",
    "prompts.image_context=2",
    "prompts.image_depth=2",
)
CUT_SECONDS, CUTS_A_VIDEO = 1.0, 3
KEPT_FOR_GOOD = {".lock", ".access-rights"}


class Command:
    """A command in a folder: its data folder and what it writes are in there."""

    name = ""

    def __init__(self, material: Material) -> None:
        self.material = material

    def prepare(self, folder: Path) -> None:
        """Makes what must be there before the command begins."""

    def arguments(self, folder: Path) -> list[str]:
        """The command line, to begin or to go on."""
        raise NotImplementedError

    def start(self, folder: Path) -> "subprocess.Popen[bytes]":
        """Starts the command in a session of its own."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.PIPE}
        process = start_vifi(folder / "home", *self.arguments(folder), **pipes)
        assert process.stdin
        process.stdin.write(self.given(folder))
        process.stdin.close()
        process.stdin = None
        return process

    def given(self, folder: Path) -> bytes:
        """What the command reads from its standard input."""
        return b""

    def kept(self, folder: Path) -> set[object]:
        """What is stored; none of it may be lost later."""
        raise NotImplementedError

    def difference(self, folder: Path, undisturbed: Path) -> str:
        """How the finished state differs from the undisturbed one; empty if it does not."""
        raise NotImplementedError

    def leftovers(self, folder: Path) -> list[str]:
        """Files that a finished command should not leave."""
        hidden = [path for path in folder.rglob(".*") if path.is_file() and path.name not in KEPT_FOR_GOOD]
        return sorted({str(path.relative_to(folder)) for path in (*hidden, *folder.rglob("*.part"))})


class Index(Command):
    """`vifi index`."""

    name = "index"

    def prepare(self, folder: Path) -> None:
        """Lends it the compiled encoder, so that no run pays for it."""
        (folder / "home").mkdir(parents=True, exist_ok=True)
        if not (folder / "home" / "cache").exists():
            lend_starter(self.material.compiled, folder / "home")

    def arguments(self, folder: Path) -> list[str]:
        return ["index", str(self.material.videos), "--model", "starter", "--json"]

    def kept(self, folder: Path) -> set[object]:
        return set(stored(folder / "home" / "index"))

    def difference(self, folder: Path, undisturbed: Path) -> str:
        return index_difference(folder / "home" / "index", undisturbed / "home" / "index")


class Rebuild(Index):
    """`vifi index --rebuild` with another sampling rate, over an existing index."""

    name = "rebuild"

    def prepare(self, folder: Path) -> None:
        super().prepare(folder)
        if not (folder / "home" / "index").exists():
            run_to_end(Index(self.material).start(folder))

    def arguments(self, folder: Path) -> list[str]:
        return ["index", "--rebuild", "--fps", "3", "--json"]

    def kept(self, folder: Path) -> set[object]:
        """Only paths: the old index holds until the new one replaces it."""
        return {path for path, *_ in stored(folder / "home" / "index")}

    def difference(self, folder: Path, undisturbed: Path) -> str:
        """Where the new index is made goes when it is complete; until then, the next run continues there."""
        if made_in := [path.name for path in (folder / "home").glob("*rebuil*")]:
            return f"the rebuild left {made_in}"
        return super().difference(folder, undisturbed)


class Cut(Command):
    """`vifi cut` of many moments."""

    name = "cut"

    def arguments(self, folder: Path) -> list[str]:
        page = str(folder / "clips" / "page.html")
        return ["cut", "-", "--output", str(folder / "clips"), "--html", page, "--overwrite", "--json"]

    def given(self, folder: Path) -> bytes:
        videos = sorted(self.material.videos.glob("[0-9]*.mp4"))[:8]
        hits = [
            {"path": str(path), "start_seconds": float(start), "end_seconds": start + CUT_SECONDS}
            for path in videos
            for start in range(CUTS_A_VIDEO)
        ]
        return json.dumps({"hits": hits}).encode()

    def kept(self, folder: Path) -> set[object]:
        """Finished clips with their size: a half one under its final name would change."""
        return {path.name for path in (folder / "clips").glob("*") if not path.name.startswith(".")}

    def difference(self, folder: Path, undisturbed: Path) -> str:
        ours, theirs = (
            {path.name: path for path in (each / "clips").iterdir()} for each in (folder, undisturbed)
        )
        if ours.keys() != theirs.keys():
            return f"other files: {sorted(ours.keys() ^ theirs.keys())}"
        differing = [name for name in ours if not is_same_clip(ours[name], theirs[name])]
        return f"other content: {sorted(differing)}" if differing else ""

    def damaged(self, folder: Path, undisturbed: Path) -> list[str]:
        """Files under their final names that are not complete."""
        found = []
        for path in (folder / "clips").glob("[!.]*"):
            other = undisturbed / "clips" / path.name
            if path.suffix == ".mp4" and not is_same_clip(path, other):
                shutil.copy2(path, folder.parent / f"{folder.name}-{path.name}")
                found.append(f"{path.name} ({path.stat().st_size} of {other.stat().st_size} bytes)")
        return found


def is_same_clip(ours: Path, theirs: Path) -> bool:
    """Whether two files have equal bytes, or two clips equal times and pictures.

    About one in a thousand clips that x264 encodes on a busy machine differs by a byte.
    """
    if ours.read_bytes() == theirs.read_bytes():
        return True
    if ours.suffix != ".mp4":
        return False
    with av.open(ours) as first, av.open(theirs) as second:
        frames = [list(container.decode(video=0)) for container in (first, second)]
    pictures = [[(one.pts, one.to_ndarray().tobytes()) for one in clip] for clip in frames]
    return pictures[0] == pictures[1]


class Finetune(Command):
    """`vifi finetune`, which goes on with --resume."""

    name = "finetune"
    changes: Sequence[str] = RECIPE

    def arguments(self, folder: Path) -> list[str]:
        run = folder / "run"
        if (run / "training_state.safetensors").exists():
            return [self.name, "--resume", str(run), "--device", "cpu", "--json"]
        shutil.rmtree(run, ignore_errors=True)  # as the message asks for
        recipe = [part for change in self.changes for part in ("--recipe", change)]
        start = ["--data", str(self.material.classes), "--model", str(self.material.model), "--device", "cpu"]
        return [self.name, *start, "--output", str(run), "--json", *recipe]

    def kept(self, folder: Path) -> set[object]:
        """The epochs done, once there is a state to go on from."""
        run = folder / "run"
        if not (run / "training_state.safetensors").exists():
            return set()
        lines = (run / "metrics.jsonl").read_text().splitlines()
        return {line for line in lines if line.endswith("}") and "step" not in json.loads(line)}

    def difference(self, folder: Path, undisturbed: Path) -> str:
        for name in ("last", "best"):
            ours, theirs = (each / "run" / name for each in (folder, undisturbed))
            files = sorted(path.name for path in theirs.iterdir() if path.suffix == ".safetensors")
            if differing := [
                file for file in files if (ours / file).read_bytes() != (theirs / file).read_bytes()
            ]:
                return f"{name} has other weights: {differing}"
        ours, theirs = ({path.name for path in (each / "run").iterdir()} for each in (folder, undisturbed))
        return f"other files: {sorted(ours ^ theirs)}" if ours != theirs else ""


class PromptTune(Finetune):
    """`vifi prompt-tune`, which goes on with --resume."""

    name = "prompt-tune"
    changes = (*RECIPE, *PROMPTS)


class Watch(Index):
    """`vifi index --watch` while files arrive; it ends by a signal when all are indexed."""

    name = "watch"

    def prepare(self, folder: Path) -> None:
        """Half of the files are there from the beginning."""
        super().prepare(folder)
        files = sorted(self.material.videos.iterdir())
        (folder / "arriving").mkdir(parents=True, exist_ok=True)
        for path in files[::2]:
            self.arrive(folder, path)

    def arrive(self, folder: Path, path: Path) -> None:
        """Puts a file there, as a program does that writes it under another name first."""
        target = folder / "arriving" / path.name
        if not target.exists():
            shutil.copy2(path, folder / "unfinished")
            (folder / "unfinished").rename(target)

    def missing(self, folder: Path) -> list[Path]:
        """Files still to come."""
        there = {path.name for path in (folder / "arriving").iterdir()}
        return [path for path in sorted(self.material.videos.iterdir()) if path.name not in there]

    def is_complete(self, folder: Path) -> bool:
        """Whether everything that will come is stored."""
        return not self.missing(folder) and len(stored(folder / "home" / "index")) == len(
            list(self.material.videos.iterdir())
        )

    def arguments(self, folder: Path) -> list[str]:
        return ["index", str(folder / "arriving"), "--model", "starter", "--watch", "--json"]

    def difference(self, folder: Path, undisturbed: Path) -> str:
        return index_difference(folder / "home" / "index", undisturbed / "home" / "index", by_name=True)


COMMANDS: tuple[type[Command], ...] = (Index, Watch, Cut, Finetune, PromptTune, Rebuild)


def run_to_end(process: "subprocess.Popen[bytes]") -> str:
    """Waits for a program that must succeed; gives its errors and notes."""
    _, errors = process.communicate()
    if process.returncode not in (OK, SOME_FAILED):
        raise RuntimeError(f"exit code {process.returncode}: {errors.decode(errors='replace')}")
    return errors.decode(errors="replace")


def stored(index: Path) -> list[tuple[bytes, str]]:
    """Path of every video and failure in a catalog with `video` or the kind of failure, after SQLite checked it."""
    path = index / CATALOG_FILE
    if not path.exists():
        return []
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60) as database:
        (verdict,) = database.execute("PRAGMA integrity_check").fetchone()
        if verdict != "ok":
            raise RuntimeError(f"the catalog is damaged: {verdict}")
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'failures'").fetchone():
            return []  # killed before it was made
        videos = [(row[0], "video") for row in database.execute("SELECT path FROM videos")]
        failures = list(database.execute("SELECT path, kind FROM failures"))
    return [*videos, *failures]


def index_difference(ours: Path, theirs: Path, *, by_name: bool = False) -> str:
    """How two indexes differ: files, facts, embeddings to the last bit, windows."""
    mine, other = content(ours), content(theirs)
    if by_name:
        mine, other = (
            {path.rpartition(b"/")[2]: row for path, row in each.items()} for each in (mine, other)
        )
    if mine.keys() != other.keys():
        return f"other files: {mine.keys() ^ other.keys()!r}"
    differing = [os.fsdecode(path) for path in mine if mine[path] != other[path]]
    return f"other content: {differing}" if differing else ""
