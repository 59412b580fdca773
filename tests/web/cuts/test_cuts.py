"""Downloads of moments: what is in them, who gets them, and what is left behind."""

import asyncio
import io
import json
import socket
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import pytest
from starlette.testclient import TestClient

from tests.made_videos import solid_colour_clip
from tests.web.conftest import Library, running, serve
from vifi_cli.api.cut.moments import parse_moments
from vifi_cli.video.moment import Moment
from vifi_cli.web.cuts import cuts
from vifi_cli.web.cuts.cutting import Cutting, NotWanted
from vifi_cli.web.media.render_processes import BackgroundWorker

OWN = {"X-Vifi": "page"}


def ask(client: TestClient, kind: str, moments: list[str], **more: object) -> list[dict[str, Any]]:
    """The lines of the answer to an order."""
    answer = client.post("/cut", json={"kind": kind, "moments": moments, **more}, headers=OWN)
    return [json.loads(line) for line in answer.text.splitlines()]


def seconds_of(content: bytes) -> float:
    with av.open(io.BytesIO(content)) as container:
        return float(container.duration or 0) / av.time_base


def test_clips_come_in_a_zip_with_a_list_of_them(client: TestClient, made_library: Library) -> None:
    moments = [
        f"{made_library.key('day/red_then_blue.mp4')}@6-9",
        f"{made_library.key('night/blue.mkv')}@1-3",
    ]
    answer = client.post(
        "/cut", json={"kind": "clips", "moments": moments, "title": "blue: all of it"}, headers=OWN
    )
    assert answer.headers["x-accel-buffering"] == "no"
    *progress, last = map(json.loads, answer.text.splitlines())
    assert all(0 <= line["share"] <= 1 for line in progress)
    assert last["name"] == "blue-all-of-it.zip"
    assert last["left_out"] == []
    sent = client.get(last["file"])
    assert sent.headers["content-disposition"] == 'attachment; filename="blue-all-of-it.zip"'
    with zipfile.ZipFile(io.BytesIO(sent.content)) as archive:
        assert archive.namelist() == ["moments.json", "01-red_then_blue-0m06s.mp4", "02-blue-0m01s.mp4"]
        assert seconds_of(archive.read("01-red_then_blue-0m06s.mp4")) == pytest.approx(3.0, abs=0.1)
        listed = parse_moments(archive.read("moments.json").decode())
        assert "score" not in archive.read("moments.json").decode(), "no number is known here"
    assert [(one.path.name, one.start_seconds, one.end_seconds) for one in listed.moments] == [
        ("red_then_blue.mp4", 6.0, 9.0),
        ("blue.mkv", 1.0, 3.0),
    ]


def test_a_clip_a_reel_and_lists(client: TestClient, made_library: Library) -> None:
    moments = [f"{made_library.key('day/red_then_blue.mp4')}@6-8", f"{made_library.key('day/red.mp4')}@0-2"]
    clip = ask(client, "clip", moments[:1])[-1]
    assert clip["name"] == "red_then_blue-0m06s.mp4"
    assert seconds_of(client.get(clip["file"]).content) == pytest.approx(2.0, abs=0.1)
    reel = ask(client, "reel", moments, title="../../<img>/日本")[-1]
    assert reel["name"] == "img-日本.mp4"
    assert seconds_of(client.get(reel["file"]).content) == pytest.approx(4.0, abs=0.1)
    table = client.get(ask(client, ".csv", moments)[-1]["file"]).text.splitlines()
    assert table == [
        "path,start_seconds,end_seconds,score",
        f"{made_library.videos}/day/red_then_blue.mp4,6.0,8.0,",
        f"{made_library.videos}/day/red.mp4,0.0,2.0,",
    ]
    playlist = client.get(ask(client, ".m3u8", moments, title="a\nb")[-1]["file"]).text
    assert playlist.count("#EXTVLCOPT:start-time=") == 2
    assert "#PLAYLIST:a b" in playlist


def test_what_cannot_be_cut_is_left_out_and_said(library: Library, own_client: TestClient) -> None:
    for name in ("gone.mp4", "broken.mp4", "good.mp4"):
        solid_colour_clip(library.videos / name, [("red", 3.0)])
    library.update()
    gone, broken, good = (f"{library.key(name)}@0-2" for name in ("gone.mp4", "broken.mp4", "good.mp4"))
    (library.videos / "gone.mp4").unlink()
    (library.videos / "broken.mp4").write_bytes(b"not a video any more")
    last = ask(own_client, "clips", [gone, broken, "7-00000000@0-1", good])[-1]
    assert last["name"] == "moments.zip"
    assert [line.split(":")[0] for line in last["left_out"]] == [
        "gone.mp4",
        "1 moment not in the index any more",
        "broken.mp4 at 0",
    ]
    with zipfile.ZipFile(io.BytesIO(own_client.get(last["file"]).content)) as archive:
        assert archive.namelist() == ["moments.json", "01-good-0m00s.mp4"] or archive.namelist() == [
            "moments.json",
            "02-good-0m00s.mp4",
        ]
    assert "problem" in ask(own_client, "clip", [broken])[-1]
    assert ask(own_client, "clip", [gone])[-1]["problem"].startswith(
        "gone.mp4: This file is not where it was"
    )


@pytest.mark.parametrize(
    ("order", "status", "reason"),
    [
        ({"kind": "reel", "moments": []}, 400, "not an order"),
        ({"kind": "reel", "moments": ["/etc/passwd@0-1", "../x"]}, 400, "not an order"),
        ({"kind": "exe", "moments": ["1-00000000@0-1"]}, 400, "not an order"),
        ({"kind": ["reel"], "moments": ["1-00000000@0-1"]}, 400, "not an order"),
        ([1], 400, "not an order"),
        ({"kind": "reel", "moments": ["1-00000000@0-1"]}, 200, "not in the index any more"),
        (
            {"kind": "reel", "moments": [f"1-00000000@{n}-{n + 1}" for n in range(101)]},
            200,
            "select up to 100",
        ),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_in_words(
    client: TestClient, order: object, status: int, reason: str
) -> None:
    answer = client.post("/cut", json=order, headers=OWN)
    assert answer.status_code == status
    assert reason in answer.json()["problem"]


def test_too_much_video_is_refused(library: Library, own_client: TestClient) -> None:
    solid_colour_clip(library.videos / "long.mp4", [("red", 1000.0)], fps=1.0)
    library.update()
    key = library.key("long.mp4")
    answer = own_client.post(
        "/cut", json={"kind": "reel", "moments": [f"{key}@0-950", f"{key}@1-990"]}, headers=OWN
    )
    assert "up to 30:00" in answer.json()["problem"]


def test_only_the_pages_own_script_can_order_or_open(client: TestClient, made_library: Library) -> None:
    order = {"kind": ".csv", "moments": [f"{made_library.key('day/red.mp4')}@0-2"]}
    opening = made_library.address("day/red.mp4", "open")
    for headers in (
        {},
        {"X-Vifi": "other"},
        {**OWN, "Origin": "https://evil.example"},
        {**OWN, "Sec-Fetch-Site": "cross-site"},
    ):
        assert client.post("/cut", json=order, headers=headers).status_code == 403
        assert client.post(opening, headers=headers).status_code == 403
    assert client.get("/cut").status_code == client.get(opening).status_code == 405
    assert client.get("/cut/AAAAAAAAAAAAAAAAAAAAAA").status_code == 404
    refused = client.post("/cut", content=b"x" * 300_000, headers=OWN)
    assert (refused.status_code, refused.json()["problem"].split(":")[1]) == (
        413,
        " select up to 100, or 1,000 for a list",
    )


@pytest.mark.parametrize("headers", [{"X-Forwarded-For": "10.0.0.2"}, {"Via": "1.1 proxy"}])
def test_nobody_behind_a_proxy_opens_a_player(
    client: TestClient, made_library: Library, headers: dict[str, str]
) -> None:
    opening = made_library.address("day/red.mp4", "open")
    assert client.post(opening, headers=OWN | headers).status_code == 403


def test_a_stopped_cut_leaves_nothing(tmp_path: Path) -> None:
    video = solid_colour_clip(tmp_path / "long.mp4", [("red", 60.0)])
    cutting = Cutting(
        "clips",
        "x",
        tuple(Moment(video, float(start), start + 20.0) for start in range(40)),
        BackgroundWorker(),
    )

    async def cut_and_leave() -> None:
        work = asyncio.create_task(asyncio.to_thread(cutting.make, tmp_path / "work"))
        while cutting.share <= 0 and not work.done():
            await asyncio.sleep(0.01)
        cutting.stop()
        with pytest.raises(NotWanted):
            await work

    asyncio.run(cut_and_leave())
    assert not (tmp_path / "work").exists()


def test_the_last_files_are_kept_until_the_server_ends(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuts, "MOST_KEPT", 2)
    solid_colour_clip(library.videos / "red.mp4", [("red", 2.0)])
    library.update()
    serving = serve(library, tmp_path / "cache")
    client = next(serving)
    files = [ask(client, ".csv", [f"{library.key('red.mp4')}@0-{1 + n / 10}"])[-1]["file"] for n in range(3)]
    assert [client.get(file).status_code for file in files] == [404, 200, 200]
    assert next(serving, None) is None
    assert list((tmp_path / "cache").glob("*cuts*")) == []


def test_who_leaves_does_not_disturb_who_waits(library: Library, tmp_path: Path) -> None:
    solid_colour_clip(library.videos / "long.mp4", [("red", 60.0)])
    library.update()
    key = library.key("long.mp4")
    reel = {"kind": "reel", "moments": [f"{key}@{n / 10:.3f}-{n / 10 + 18:.3f}" for n in range(100)]}
    clips = {"kind": "clips", "moments": [f"{key}@0-1", f"{key}@2-3"]}
    with running(library, tmp_path / "cache") as address, order_from(address, reel) as (leaving, progress):
        assert next(line for line in progress if line.get("share", 1.0) > 0)["what"] == "Joining"
        with ExitStack() as canceled:
            waiting = [canceled.enter_context(order_from(address, clips)) for _ in range(cuts.MOST_WAITING)]
            texts = [next(lines).get("what", "refused") for _, lines in waiting]
            assert texts.count("Waiting for another download") == cuts.MOST_WAITING - 1
        while "problem" in (first := first_line(address, clips)):  # until the server has noticed who left
            pass
        assert first["what"] == "Waiting for another download", "who has left keeps no place"
        with order_from(address, clips) as (_, lines):
            assert next(lines)["what"] == "Waiting for another download"
            leaving.shutdown(socket.SHUT_RDWR)
            *_, last = lines
    assert last.get("left_out") == [], last


def first_line(address: str, order: object) -> dict[str, Any]:
    with order_from(address, order) as (_, lines):
        return next(lines)


@contextmanager
def order_from(address: str, order: object) -> Iterator[tuple[socket.socket, Iterator[dict[str, Any]]]]:
    """A connection with an order to a running server, and the lines of the answer as they come."""
    where = urlsplit(address)
    content = json.dumps(order).encode()
    head = f"POST /cut HTTP/1.0\r\nHost: {where.netloc}\r\nX-Vifi: page\r\nContent-Length: {len(content)}\r\n\r\n"
    with socket.create_connection((where.hostname, where.port), timeout=120) as connection:
        connection.sendall(head.encode() + content)
        with connection.makefile("rb") as lines:
            while lines.readline().strip():
                pass
            yield connection, map(json.loads, lines)
