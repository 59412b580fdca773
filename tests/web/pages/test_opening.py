"""Opening a moment in the player: only for who sits at this machine, at the right time."""

import shlex
import sys
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from tests.color_encoder import ColorEncoder
from tests.web.conftest import HOST, Library
from vifi_cli.web.app import make_app

OWN = {"X-Vifi": "page"}


def app_of(library: Library, folder: Path) -> ASGIApp:
    return make_app(library.index, folder / "cache", lambda _: ColorEncoder())


def test_a_viewer_at_this_machine_opens_the_player_at_the_moment(
    made_library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = tmp_path / "opened"
    script = "import sys; open(sys.argv[1], 'w').write(' '.join(sys.argv[2:]))"
    command = [sys.executable, "-c", script, str(opened), "{start}", "{path}"]
    monkeypatch.setenv("VIFI_PLAYER", shlex.join(command))
    address = made_library.address("day/red_then_blue.mp4", "open", 6.0, 12.0)
    with TestClient(app_of(made_library, tmp_path), HOST, client=("127.0.0.1", 50_000)) as client:
        assert "Open in player" in client.get("/?q=blue").text
        answer = client.post(address, headers=OWN)
        assert answer.status_code == 200, answer.text
        assert answer.json()["remarks"] == []
        path = made_library.videos / "day" / "red_then_blue.mp4"
        assert opened.read_text().split(" ", 1)[1] == str(path)
        assert float(opened.read_text().split(" ", 1)[0]) == pytest.approx(6.0)
        opened.unlink()
        for refused in ({}, OWN | {"X-Forwarded-For": "10.0.0.2"}, OWN | {"Origin": "http://evil.example"}):
            assert client.post(address, headers=refused).status_code == 403
        assert (
            client.post(made_library.address("day/red.mp4", "open", 99.0, 100.0), headers=OWN).status_code
            == 404
        )
        assert not opened.exists()
        assert "Open in player" not in client.get("/?q=blue", headers={"X-Forwarded-For": "10.0.0.2"}).text
        monkeypatch.setenv("VIFI_PLAYER", "no-such-player")
        assert "no-such-player" in client.post(address, headers=OWN).json()["problem"]
    with TestClient(app_of(made_library, tmp_path), HOST, client=("192.168.1.9", 50_000)) as elsewhere:
        assert "Open in player" not in elsewhere.get("/?q=blue").text
        assert elsewhere.post(address, headers=OWN).status_code == 403
