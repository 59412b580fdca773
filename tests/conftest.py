"""Every test gets one thread, its own data folder, no hub and no color; slow fixtures are made once per run."""

import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from filelock import FileLock
from hypothesis import settings

from vifi_cli.settings.settings import EARLIER_NAMES, variable_of
from vifi_cli.settings.values import KEYS

# Tests run on all cores, so each process gets one thread; torch reads this when it is loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Tests start many processes, and each would compile every module again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# A shell starts background jobs with Ctrl-C ignored, and every process that a test starts would inherit that.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("untimed", deadline=None)  # how long an example takes depends on what else runs
settings.load_profile("untimed")

PROCESS_BYTES = 2_000_000_000  # a test process grows to 1.6 GB

MakeOnce = Callable[[str, Callable[[Path], object]], Path]


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Spreads tests over all cores, unless you name one file, debug, or choose another way with `-n` or `--dist`."""
    options = config.option
    if getattr(options, "numprocesses", 0) is not None or "PYTEST_XDIST_WORKER" in os.environ:
        return
    one_file = len(config.args) == 1 and ".py" in config.args[0]
    if not (one_file or options.usepdb or options.trace or options.collectonly or options.capture == "no"):
        memory_for = psutil.virtual_memory().available // PROCESS_BYTES
        options.numprocesses = max(1, min(psutil.cpu_count() or 1, memory_for))
        options.dist = "worksteal" if options.dist == "no" else options.dist


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with slow tests, so that no process is left with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(autouse=True)
def vifi_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Points vifi's data folder to a temporary one, which protects yours."""
    home = tmp_path_factory.mktemp("vifi_home")
    monkeypatch.setenv("VIFI_HOME", str(home))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    for variable in (*map(variable_of, KEYS), *EARLIER_NAMES.values()):
        monkeypatch.delenv(variable, raising=False)
    return home


@pytest.fixture(scope="session")
def make_once(tmp_path_factory: pytest.TempPathFactory) -> MakeOnce:
    """Gives a folder that the first test process to ask for it fills, and that all others then read."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "made_once"
    shared.mkdir(exist_ok=True)

    def make(name: str, fill: Callable[[Path], object]) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with FileLock(shared / f"{name}.lock"):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                fill(folder)
                done.touch()
        return folder

    return make


@pytest.fixture(scope="session")
def starter_home(make_once: MakeOnce) -> Path:
    """A data folder in which the starter encoder is compiled and the neutral texts are embedded; only read it."""
    return make_once("starter_home", _compile_starter)


def _compile_starter(home: Path) -> None:
    from vifi_cli.index.relevance.calibration import read_neutral_texts
    from vifi_cli.model.registry.source import resolve_model
    from vifi_cli.model.runtime.encoder import load_encoder

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIFI_HOME", str(home))
        encoder = load_encoder(resolve_model("starter"), "cpu")
    read_neutral_texts(home / "cache", encoder.text_fingerprint, lambda: encoder)


@pytest.fixture(autouse=True)
def no_real_time_process() -> Iterator[None]:
    """Fails a test that leaves its process a real-time one, which starves all others."""
    yield
    if hasattr(os, "sched_getscheduler"):
        assert os.sched_getscheduler(0) == os.SCHED_OTHER


@pytest.fixture
def hang_up_counts() -> Iterator[None]:
    """Programs that a test starts are ended by SIGHUP, also where `nohup` started the tests."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file of this process may grow past 100 kB: like a full disk, this fails with an OSError."""
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)
