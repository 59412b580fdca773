"""Every stop signal ends every command as Ctrl-C does, sent to the process alone or to its whole group.

Each test waits for something that it can observe, and then sends the signal.
"""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest
import watchfiles

from tests.cli.conftest import Vifi
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog

TERM, HUP, INT, USR1 = signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1
END_SECONDS = 60.0
pytestmark = pytest.mark.usefixtures("hang_up_counts")


class Running:
    """A `vifi` command in a session of its own, as a terminal starts it."""

    def __init__(self, *arguments: object, ignored: tuple[int, ...] = (), **options: object) -> None:
        command = [sys.executable, "-m", "vifi_cli", *map(str, arguments)]
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        before = {number: signal.signal(number, signal.SIG_IGN) for number in ignored}  # which it inherits
        try:
            self.process = subprocess.Popen(command, text=True, start_new_session=True, **streams)  # type: ignore[call-overload]
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        self.children: list[psutil.Process] = []
        self.stdout = self.stderr = ""

    def wait_for_line(self, begin: str) -> None:
        """Reads stderr up to a line that begins like this."""
        for line in self.process.stderr:
            self.stderr += line
            if line.startswith(begin):
                return
        raise AssertionError(self.stderr)

    def send(self, number: int, *, to_group: bool) -> None:
        self.children = psutil.Process(self.process.pid).children(recursive=True)
        (os.killpg if to_group else os.kill)(self.process.pid, number)

    def wait(self) -> int:
        """Waits for the end, after which no child may be left."""
        stdout, stderr = self.process.communicate(timeout=END_SECONDS)
        self.stdout, self.stderr = self.stdout + (stdout or ""), self.stderr + (stderr or "")
        _, alive = psutil.wait_procs(self.children, timeout=10)
        assert [child for child in alive if child.status() != psutil.STATUS_ZOMBIE] == []
        assert "Traceback" not in self.stderr
        assert "leaked" not in self.stderr
        return int(self.process.returncode)


@contextmanager
def running(*arguments: object, **options: object) -> Iterator[Running]:
    """A command that is killed in any case."""
    command = Running(*arguments, **options)  # type: ignore[arg-type]
    try:
        yield command
    finally:
        if command.process.poll() is None:
            os.killpg(command.process.pid, signal.SIGKILL)
            command.process.communicate()


def wait_until(command: Running, folder: Path, is_so: Callable[[], bool]) -> None:
    """Waits until a command has done something that changes in a folder announce."""
    folder.mkdir(parents=True, exist_ok=True)
    for _ in watchfiles.watch(
        folder, watch_filter=None, debounce=50, yield_on_timeout=True, rust_timeout=500
    ):
        if is_so():
            return
        assert command.process.poll() is None, command.process.communicate()


def leftovers(folder: Path) -> list[str]:
    """The unfinished files under a folder."""
    return [str(path) for path in folder.rglob("*.part")]


def stored_files(home: Path) -> int:
    """How many files the running `vifi index` has stored, as it notes for others."""
    try:
        return int(json.loads((home / "index.lock-holder.json").read_text())["files_done"])
    except (OSError, ValueError, KeyError):  # a file is yet to be stored
        return 0


@pytest.fixture
def many(clips: Path, tmp_path: Path) -> Path:
    """A folder of 40 videos, each another file, so that none counts as a copy."""
    folder = tmp_path / "many"
    folder.mkdir()
    content = (clips / "launch.mp4").read_bytes()
    for number in range(40):
        (folder / f"{number:02}.mp4").write_bytes(content + bytes([number]))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("number", "to_group"), [(TERM, True), (HUP, True), (USR1, False)])
def test_index_keeps_what_is_done_and_blames_no_video(
    starter: None, many: Path, vifi: Vifi, vifi_home: Path, number: int, to_group: bool
) -> None:
    with running("index", many, "--model", "starter", "--workers", 2) as index:
        wait_until(index, vifi_home, lambda: stored_files(vifi_home) > 0)
        index.send(number, to_group=to_group)
        index.send(number, to_group=to_group)  # `timeout` and closed terminals send it twice
        assert index.wait() == 128 + number, index.stderr
    (line,) = index.stderr.splitlines()
    stopped, _, kept = line.partition(": ")
    assert stopped == f"stopped by {signal.Signals(number).name}"
    counted = re.fullmatch(
        "([0-9]+) of 40 files are done and kept; the same command continues from there", kept
    )
    assert counted
    with Catalog(vifi_home / "index" / CATALOG_FILE) as catalog:
        assert len(catalog.videos()) == int(counted[1]) >= 1
        assert catalog.failures() == []
    assert leftovers(vifi_home) == []
    finished = json.loads(vifi("index", many, "--json").stdout)
    assert finished["added"] + finished["unchanged"] == 40


@pytest.mark.slow
@pytest.mark.parametrize(("output", "number", "to_group"), [("--output", TERM, True), ("--reel", HUP, False)])
def test_cut_leaves_no_unfinished_file(
    clips: Path, tmp_path: Path, output: str, number: int, to_group: bool
) -> None:
    folder = tmp_path / "clips"
    target = folder if output == "--output" else folder / "reel.mp4"
    moments = [f"{clips / 'pets.mp4'}@0-8"] * 40
    with running("cut", *moments, output, target) as cut:
        wait_until(cut, folder, lambda: bool(leftovers(folder)))
        cut.send(number, to_group=to_group)
        assert cut.wait() == 128 + number, cut.stderr
    assert leftovers(folder) == []
    written = re.fullmatch(
        f"stopped by {signal.Signals(number).name}: ([0-9]+) clips? of [0-9]+ written and kept\n", cut.stderr
    )
    assert written
    assert len(list(folder.iterdir())) == int(written[1])


@pytest.mark.slow
@pytest.mark.parametrize(("number", "to_group", "workers"), [(TERM, True, 1), (HUP, False, 0)])
def test_training_is_saved_and_goes_on(
    vifi: Vifi, colours: Path, tiny: Path, tmp_path: Path, number: int, to_group: bool, workers: int
) -> None:
    run = tmp_path / "run"
    changes = (
        "frames=2",
        "effective_batch=4",
        "epochs=5000",
        "validate_every=5000",
        f"runtime.workers={workers}",
    )
    recipe = [part for change in changes for part in ("--recipe", change)]
    arguments = ("--data", colours, "--model", tiny, "--device", "cpu", "-o", run)
    with running("finetune", *arguments, *recipe) as finetune:
        finetune.wait_for_line("epoch 1")
        finetune.send(number, to_group=to_group)
        finetune.send(number, to_group=to_group)
        assert finetune.wait() == 128 + number, finetune.stderr
    saved = f"stopped by {signal.Signals(number).name} and saved; continue with vifi finetune --resume {run}"
    assert finetune.stderr.splitlines()[-1] == saved
    assert (run / "last").is_dir()
    assert leftovers(run) == []
    steps = len((run / "metrics.jsonl").read_text().splitlines())
    resume = ("--resume", run, "--device", "cpu", "--recipe", "runtime.workers=0")
    with running("finetune", *resume) as resumed:
        resumed.wait_for_line("epoch")
        resumed.send(TERM, to_group=False)
        assert resumed.wait() == 143, resumed.stderr
    assert len((run / "metrics.jsonl").read_text().splitlines()) > steps


@pytest.mark.slow
def test_a_run_that_has_not_begun_leaves_nothing(colours: Path, tiny: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with running(
        "finetune", "--data", colours, "--model", tiny, "--device", "cpu", "-o", run, "--recipe",
        "runtime.workers=2",
    ) as finetune:  # fmt: skip
        wait_until(finetune, run, (run / "config.toml").exists)
        finetune.send(TERM, to_group=True)
        assert finetune.wait() == 143, finetune.stderr
    assert finetune.stderr.splitlines()[-1] == "stopped by SIGTERM: run the same command again"
    assert not run.exists()


def test_any_command_says_that_it_was_stopped(indexed: Path, tmp_path: Path) -> None:
    """A command that waits for a pipe has begun as soon as the pipe can be opened for writing."""
    pipe = tmp_path / "list.csv"
    os.mkfifo(pipe)
    arguments = ("eval", "--setting", "retrieval", "--queries", pipe)
    with running(*arguments, stdin=subprocess.DEVNULL) as command, pipe.open("w"):
        command.send(TERM, to_group=False)
        assert command.wait() == 143
    assert command.stderr == "stopped by SIGTERM: run the same command again\n"


def test_serve_ends_although_a_video_is_playing(indexed: Path) -> None:
    with running("serve", "--port", 0) as serve:
        address = serve.process.stdout.readline().strip()
        page = urlopen(f"{address}?q=coffee&below=kitchen*").read().decode()
        name = re.search(r"/video/([\w-]+)", page)
        assert name
        with urlopen(f"{address}video/{name[1]}/file") as playing:
            assert playing.read(10)
            serve.send(TERM, to_group=True)
            assert serve.wait() == 143
    assert serve.stderr == "Ctrl-C ends it\nstopped by SIGTERM\n"


@pytest.mark.parametrize("number", [TERM, HUP])
def test_watch_ends(indexed: Path, vifi_home: Path, number: int) -> None:
    with running("index", "--watch", indexed) as watch:
        assert watch.process.stdout.readline().endswith("4 videos up to date\n")
        watch.send(number, to_group=True)
        assert watch.wait() == 128 + number
    assert watch.stderr.splitlines()[-1] == f"stopped by {signal.Signals(number).name}"
    assert leftovers(vifi_home) == []


def test_the_shell_goes_on_after_ctrl_c_only(indexed: Path) -> None:
    terminal, theirs = pty.openpty()
    with running("shell", stdin=theirs, stdout=subprocess.DEVNULL) as shell:
        os.close(theirs)
        wait_for_prompt(shell)
        shell.send(INT, to_group=False)
        wait_for_prompt(shell)
        shell.send(TERM, to_group=False)
        assert shell.wait() == 143
    os.close(terminal)


def wait_for_prompt(shell: Running) -> None:
    while not shell.stderr.endswith("vifi> "):
        shell.stderr += shell.process.stderr.read(1)
    shell.stderr += "\n"


def test_a_closed_terminal_ends_it_quietly(indexed: Path, vifi_home: Path) -> None:
    """After the terminal is gone, every write to it fails."""
    process, terminal = pty.fork()
    if process == 0:
        os.execv(sys.executable, [sys.executable, "-m", "vifi_cli", "index", "--watch", str(indexed)])
    shown = b""
    while b"up to date" not in shown:
        shown += os.read(terminal, 1000)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 128 + HUP
    assert leftovers(vifi_home) == []


def test_a_signal_in_the_first_moment_ends_it_quietly() -> None:
    code = """if True:
        import os, signal
        from vifi_cli import __main__, processors
        processors.limit_threads_of_libraries = lambda: os.kill(os.getpid(), signal.SIGTERM)
        __main__.main()
    """
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (128 + TERM, "", "")


@pytest.mark.slow
def test_signals_that_are_ignored_at_the_start_stay_ignored(
    starter: None, many: Path, vifi: Vifi, vifi_home: Path
) -> None:
    """As `nohup` and the background jobs of scripts want it."""
    with running("index", many, "--model", "starter", "--json", ignored=(HUP, INT)) as index:
        wait_until(index, vifi_home, lambda: stored_files(vifi_home) > 0)
        index.send(HUP, to_group=True)
        index.send(INT, to_group=True)
        assert index.wait() == 0, index.stderr
    assert json.loads(index.stdout)["added"] == 40
    shutil.rmtree(many)
