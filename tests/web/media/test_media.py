import io
import os
import shutil
from pathlib import Path

import av
import pytest
from PIL import Image
from starlette.testclient import TestClient

from tests.frame_folders import write_frames, write_shard
from tests.made_videos import solid_colour_clip, solid_picture
from tests.web.conftest import Library, serve
from vifi_cli.video.files.discovery import find_videos
from vifi_cli.video.files.virtual.frame_folders import WantedFrameFolders
from vifi_cli.web.media.renderings import PICTURE_HEIGHT, PLACEHOLDER_WIDTH, SCALE, placeholder
from vifi_cli.web.requests.index_reader import GONE

UNKNOWN_KEYS = [
    "1-00000000",
    "999999-00000000",
    "0-00000000",
    "-1-00000000",
    "1",
    "1-",
    "1-ABCDEF01",
    "99999999999999999999-00000000",
    "1-000000000",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e",
    "%00",
    "1-00000000%00",
    "1-00000000'%20OR%201=1",
]
WHAT = ["file", "still", "preview", "moment", "sources"]


@pytest.mark.parametrize("key", UNKNOWN_KEYS)
@pytest.mark.parametrize("what", WHAT)
def test_what_is_not_indexed_is_not_found(client: TestClient, key: str, what: str) -> None:
    answer = client.get(f"/video/{key}/{what}?start=0&end=1")
    assert answer.status_code == 404
    assert "html" not in answer.headers["content-type"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/etc/passwd",
        "//etc/passwd",
        "/static/",
        "/templates/page.html.jinja",
    ],
)
def test_no_path_leads_to_a_file_of_the_machine(client: TestClient, path: str) -> None:
    answer = client.get(f"http://127.0.0.1:8765{path}")
    assert answer.status_code == 404
    assert "root:" not in answer.text
    assert "import" not in answer.text


@pytest.mark.parametrize(
    "span",
    [
        "",
        "start=0",
        "start=1&end=1",
        "start=2&end=1",
        "start=-1&end=1",
        "start=nan&end=2",
        "start=0&end=inf",
        "start=9&end=10",
    ],
)
def test_a_stretch_that_makes_no_sense_is_not_found(
    client: TestClient, made_library: Library, span: str
) -> None:
    key = made_library.key("day/red.mp4")
    for what in ("still", "preview", "moment", "sources"):
        assert client.get(f"/video/{key}/{what}?{span}").status_code == 404


class TestRanges:
    @pytest.fixture
    def address(self, made_library: Library) -> str:
        return made_library.address("day/red.mp4", "file")

    @pytest.fixture
    def content(self, made_library: Library) -> bytes:
        return (made_library.videos / "day" / "red.mp4").read_bytes()

    def test_the_whole_file(self, client: TestClient, address: str, content: bytes) -> None:
        answer = client.get(address)
        assert answer.status_code == 200
        assert answer.content == content
        assert answer.headers["accept-ranges"] == "bytes"
        assert answer.headers["content-type"] == "video/mp4"
        assert "sandbox" in answer.headers["content-security-policy"]

    def test_parts_of_it(self, client: TestClient, address: str, content: bytes) -> None:
        size = len(content)
        parts = {
            "bytes=0-0": (0, 1),
            "bytes=10-19": (10, 20),
            "bytes=100-": (100, size),
            "bytes=-7": (size - 7, size),
            f"bytes=-{size + 50}": (0, size),
            f"bytes=5-{size + 50}": (5, size),
            f"bytes={size - 1}-": (size - 1, size),
        }
        for asked, (start, end) in parts.items():
            answer = client.get(address, headers={"Range": asked})
            assert answer.status_code == 206, asked
            assert answer.content == content[start:end], asked
            assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
            assert answer.headers["content-length"] == str(end - start)

    def test_several_parts_at_once(self, client: TestClient, address: str, content: bytes) -> None:
        answer = client.get(address, headers={"Range": "bytes=0-3,20-23"})
        assert answer.status_code == 206
        kind, _, boundary = answer.headers["content-type"].partition("; boundary=")
        assert kind == "multipart/byteranges"
        parts = answer.content.split(f"--{boundary}".encode())
        assert [part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts[1:3]] == [
            content[:4],
            content[20:24],
        ]

    def test_parts_that_are_not_there(self, client: TestClient, address: str, content: bytes) -> None:
        answer = client.get(address, headers={"Range": f"bytes={len(content)}-"})
        assert answer.status_code == 416
        assert answer.headers["content-range"] == f"bytes */{len(content)}"

    @pytest.mark.parametrize("asked", ["bytes=", "bytes=a-b", "bytes=5-2", "bytes"])
    def test_what_is_no_range(self, client: TestClient, address: str, asked: str) -> None:
        assert client.get(address, headers={"Range": asked}).status_code in (400, 416)

    def test_head(self, client: TestClient, address: str, content: bytes) -> None:
        answer = client.head(address)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-length"] == str(len(content))
        part = client.head(address, headers={"Range": "bytes=0-9"})  # ranges are defined for GET alone
        assert (part.status_code, part.content, part.headers["content-length"]) == (
            200,
            b"",
            str(len(content)),
        )

    def test_a_part_of_a_file_that_has_changed_is_not_given(
        self, client: TestClient, address: str, content: bytes
    ) -> None:
        headers = {"Range": "bytes=0-9", "If-Range": '"another"'}
        answer = client.get(address, headers=headers)
        assert (answer.status_code, answer.content) == (200, content)


@pytest.mark.parametrize("name", ["night/blue.mkv", "night/green.mp4"])
def test_what_browsers_cannot_play_is_re_encoded(
    client: TestClient, made_library: Library, name: str
) -> None:
    assert client.get(made_library.address(name, "file")).status_code == 422
    (source,) = client.get(made_library.address(name, "sources", 1.0, 2.0)).json()["sources"]
    assert source["is_encoded"]
    answer = client.get(source["address"], headers={"Range": "bytes=0-"})
    assert (answer.status_code, answer.headers["content-type"]) == (206, "video/mp4")
    with av.open(io.BytesIO(answer.content)) as video:
        stream = video.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert bool(video.streams.audio) == (name == "night/blue.mkv"), "there is sound where there was"
        seconds = [frame.time for frame in video.decode(stream) if frame.time is not None]
    assert seconds[0] == pytest.approx(0.0, abs=0.01)
    assert seconds[-1] >= source["end_seconds"] - 0.2


def test_what_browsers_can_play_is_played_as_it_is(client: TestClient, made_library: Library) -> None:
    file, encoded = client.get(made_library.address("day/red.mp4", "sources", 1.0, 2.0)).json()["sources"]
    assert file["address"] == made_library.address("day/red.mp4", "file")
    assert not file["is_encoded"]
    assert (file["start_seconds"], file["end_seconds"]) == (1.0, 2.0)
    assert encoded["is_encoded"], "for browsers that cannot after all"


def test_an_hour_is_not_re_encoded_at_once(
    client: TestClient, made_library: Library, library: Library
) -> None:
    solid_colour_clip(made_library.videos / "day" / "long.mkv", [("red", 70.0)], fps=1.0)
    made_library.update()
    assert client.get(made_library.address("day/long.mkv", "moment", 0.0, 70.0)).status_code == 404
    (source,) = client.get(made_library.address("day/long.mkv", "sources", 0.0, 70.0)).json()["sources"]
    assert source["end_seconds"] <= 62.0
    assert client.get(source["address"]).status_code == 200
    (made_library.videos / "day" / "long.mkv").unlink()
    made_library.update()


def test_pictures_stand_still_and_move(client: TestClient, made_library: Library) -> None:
    still = client.get(made_library.address("day/red_then_blue.mp4", "still", 5.0, 9.0))  # blue from 6 s on
    assert (still.status_code, still.headers["content-type"]) == (200, "image/webp")
    assert "immutable" in still.headers["cache-control"]
    picture = Image.open(io.BytesIO(still.content)).convert("RGB")
    red, _, blue = picture.resize((1, 1)).getpixel((0, 0))
    assert blue > 200 > 50 > red
    moving = client.get(made_library.address("day/red_then_blue.mp4", "preview", 5.0, 7.0))
    assert Image.open(io.BytesIO(moving.content)).n_frames == 2, "red, then blue"


def test_a_file_that_is_gone_is_shown_as_gone_until_it_is_back(
    library: Library, own_client: TestClient
) -> None:
    path = solid_colour_clip(library.videos / "red.mp4", [("red", 2.0)])
    library.update()
    away = path.rename(path.with_suffix(".away"))
    for what in ("still", "preview"):
        answer = own_client.get(library.address("red.mp4", what))
        assert (answer.status_code, answer.headers["content-type"]) == (410, "image/webp")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.content == placeholder(GONE)
    assert own_client.get(library.address("red.mp4", "file")).status_code == 410
    assert own_client.get(library.address("red.mp4", "moment")).status_code == 410
    assert (
        "Is its disk plugged in?" in own_client.get(library.address("red.mp4", "sources")).json()["problem"]
    )
    away.rename(path)
    assert own_client.get(library.address("red.mp4", "still")).status_code == 200
    assert own_client.get(library.address("red.mp4", "file")).status_code == 200


@pytest.mark.parametrize("reason", [GONE, "", "a\nb \N{CAT FACE} 猫 <b> \udcff", "x" * 5000])
def test_any_reason_can_be_drawn(reason: str) -> None:
    with Image.open(io.BytesIO(placeholder(reason))) as picture:
        assert picture.size == (PLACEHOLDER_WIDTH * SCALE, PICTURE_HEIGHT * SCALE)
        assert picture.convert("RGBA").getextrema()[3] == (0, 255), (
            "something is drawn, and the rest is see-through"
        )


def test_only_regular_files_are_opened(library: Library, own_client: TestClient) -> None:
    path = solid_colour_clip(library.videos / "red.mp4", [("red", 2.0)])
    library.update()
    path.unlink()
    os.mkfifo(path)
    assert own_client.get(library.address("red.mp4", "file")).status_code == 410
    path.unlink()
    path.mkdir()
    assert own_client.get(library.address("red.mp4", "still")).status_code == 410


def test_a_file_that_is_no_video_any_more_is_shown_as_such(library: Library, own_client: TestClient) -> None:
    path = solid_colour_clip(library.videos / "red.mp4", [("red", 2.0)])
    library.update()
    path.write_text("<script>alert(1)</script>")
    answer = own_client.get(library.address("red.mp4", "still"))
    assert (answer.status_code, answer.headers["content-type"]) == (422, "image/webp")
    assert own_client.get(library.address("red.mp4", "moment")).status_code == 422
    file = own_client.get(library.address("red.mp4", "file"))
    assert file.status_code == 422
    assert "script" not in file.text


def test_what_takes_the_place_of_a_video_that_was_played_is_not_given(
    library: Library, own_client: TestClient, tmp_path: Path
) -> None:
    path = solid_colour_clip(library.videos / "red.mp4", [("red", 2.0)])
    library.update()
    assert own_client.get(library.address("red.mp4", "file")).status_code == 200
    secret = tmp_path / "secret"
    secret.write_text("a password")
    path.unlink()
    path.symlink_to(secret)
    answer = own_client.get(library.address("red.mp4", "file"))
    assert answer.status_code == 422
    assert "password" not in answer.text


def test_an_id_that_is_used_again_names_another_video(library: Library, own_client: TestClient) -> None:
    path = solid_colour_clip(library.videos / "red.mp4", [("red", 2.0)])
    library.update()
    before = library.key("red.mp4")
    path.unlink()
    solid_colour_clip(library.videos / "blue.mp4", [("blue", 2.0)])
    library.update()
    solid_colour_clip(library.videos / "green.mp4", [("green", 2.0)])
    library.update()
    assert own_client.get(f"/video/{before}/file").status_code == 404
    assert library.key("blue.mp4").split("-")[0] == before.split("-")[0], "or this test tests nothing"


def test_a_moved_video_keeps_its_address(library: Library, own_client: TestClient) -> None:
    path = solid_colour_clip(library.videos / "red.mp4", [("red", 2.0)])
    library.update()
    address = library.address("red.mp4", "still")
    assert own_client.get(address).status_code == 200
    shutil.move(path, library.videos / "moved.mp4")
    library.update()
    assert own_client.get(address).status_code == 200
    assert library.address("moved.mp4", "still") == address


def test_frames_and_members_of_shards_are_shown_re_encoded(library: Library, tmp_path: Path) -> None:
    write_frames(library.videos / "v_1", (solid_picture("red") for _ in range(50)))
    clip = solid_colour_clip(tmp_path / "clip.mp4", [("blue", 2.0)])
    shard = write_shard(library.videos / "a.tar", {"0.mp4": clip.read_bytes()})
    library.update(find_videos([library.videos], frame_folders=WantedFrameFolders(are_wanted=True)))
    for client in serve(library, tmp_path / "cache"):
        for name in ("v_1", "a.tar/0.mp4"):
            (source,) = client.get(library.address(name, "sources")).json()["sources"]
            assert source["is_encoded"]
            assert client.get(library.address(name, "file")).status_code == 422
            for what, kind in (("still", "image/webp"), ("preview", "image/webp"), ("moment", "video/mp4")):
                answer = client.get(library.address(name, what))
                assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        shard.unlink()
        assert client.get(library.address("a.tar/0.mp4", "still")).status_code == 410
