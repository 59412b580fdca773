"""What every test stands on: a data folder of its own, no hub, no colour."""

import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # how long an example takes depends on what else runs
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def vifi_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Points vifi's data folder to a temporary one, so that no test can touch the user's."""
    home = tmp_path_factory.mktemp("vifi_home")
    monkeypatch.setenv("VIFI_HOME", str(home))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return home


@pytest.fixture(scope="session")
def starter_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which the starter encoder has been compiled and has read the neutral texts, once for all."""
    from vifi_cli.index.relevance.neutral_texts import read_neutral_texts
    from vifi_cli.model.runtime.encoder import load_encoder

    home = tmp_path_factory.mktemp("starter_home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIFI_HOME", str(home))
        encoder = load_encoder("starter", "cpu")
    read_neutral_texts(home / "cache", encoder.text_fingerprint, lambda: encoder)
    return home


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file of this process may grow past 100 kB, which fails as a full disk does, with an OSError."""
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)
