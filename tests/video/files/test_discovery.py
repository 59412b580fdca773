"""Finds videos in real folders, with everything that file systems hold."""

import os
import tempfile
from pathlib import Path

import pytest

from vifi_cli.errors import InvalidInput
from vifi_cli.video.files.digests import BLOCK_BYTES, SAMPLED_BLOCKS, content_fingerprint
from vifi_cli.video.files.discovery import find_videos
from vifi_cli.video.files.recognition import looks_like_video

MATROSKA = b"\x1aE\xdf\xa3" + b"\0" * 60
TRANSPORT_STREAM = (b"\x47" + b"\0" * 187) * 6


def touch(path: Path, content: bytes = b"video") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def names(root: Path, **options: object) -> list[str]:
    return [str(video.path.relative_to(root)) for video in find_videos([root], **options).videos]  # type: ignore[arg-type]


def test_videos_are_found_in_order_with_size_and_time(tmp_path: Path) -> None:
    for name in ("b/z.mp4", "a/x.MKV", "c.webm", "notes.txt", "a/cover.jpg", "b.mp4"):
        touch(tmp_path / name)
    found = find_videos([tmp_path])
    assert [str(video.path.relative_to(tmp_path)) for video in found.videos] == [
        "a/x.MKV",
        "b/z.mp4",
        "b.mp4",
        "c.webm",
    ]
    assert found.roots == (tmp_path,)
    assert found.videos[0].size_bytes == 5
    assert found.videos[0].modified_ns == (tmp_path / "a/x.MKV").stat().st_mtime_ns


def test_hidden_files_are_passed_over_unless_named(tmp_path: Path) -> None:
    for name in ("._a.mp4", ".b.mp4", ".trash/c.mp4", "d.mp4"):
        touch(tmp_path / name)
    assert names(tmp_path) == ["d.mp4"]
    named = find_videos([tmp_path / ".trash", tmp_path / ".b.mp4"])
    assert [video.path.name for video in named.videos] == [".b.mp4", "c.mp4"]


def test_names_of_any_bytes(tmp_path: Path) -> None:
    for name in (b"with space.mp4", b"new\nline.mp4", b"[brackets]*?.mp4", b"\xff\xfe.mp4", "ü.mp4".encode()):
        touch(Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)))
    assert len(find_videos([tmp_path]).videos) == 5


def test_link_loops_end_and_a_file_is_listed_once_by_its_own_path(tmp_path: Path) -> None:
    touch(tmp_path / "z_real/a.mp4")
    (tmp_path / "z_real/loop").symlink_to(tmp_path)
    (tmp_path / "a_link").symlink_to(tmp_path / "z_real")
    (tmp_path / "a_link.mp4").symlink_to(tmp_path / "z_real/a.mp4")
    (tmp_path / "broken.mp4").symlink_to(tmp_path / "nothing")
    (tmp_path / "self.mp4").symlink_to(tmp_path / "self.mp4")
    assert names(tmp_path) == ["z_real/a.mp4"]


def test_linked_folders_elsewhere_are_followed(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere/a.mp4")
    (tmp_path / "root").mkdir()
    (tmp_path / "root/link").symlink_to(tmp_path / "elsewhere")
    assert names(tmp_path / "root") == ["link/a.mp4"]
    both = find_videos([tmp_path / "root", tmp_path / "elsewhere"])
    assert [video.path for video in both.videos] == [tmp_path / "elsewhere/a.mp4"]


def test_roots_within_each_other_give_each_file_once(tmp_path: Path) -> None:
    touch(tmp_path / "a/b.mp4")
    found = find_videos([tmp_path / "a/b.mp4", tmp_path / "a", tmp_path])
    assert [video.path for video in found.videos] == [tmp_path / "a/b.mp4"]


def test_only_regular_files_are_taken(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "folder.mp4").mkdir()
    assert names(tmp_path) == []
    with pytest.raises(InvalidInput, match="neither a folder nor a regular file"):
        find_videos([tmp_path / "pipe.mp4"])


def test_folders_that_cannot_be_listed_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "open/a.mp4")
    touch(tmp_path / "locked/b.mp4")
    scandir = os.scandir

    def refuse_locked(
        path: Path | int,
    ) -> object:  # permissions do not stop the superuser, who runs tests in containers
        if path == tmp_path / "locked" or path == str(tmp_path / "locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse_locked)
    found = find_videos([tmp_path])
    assert [video.path.name for video in found.videos] == ["a.mp4"]
    assert found.unreadable_folders == (tmp_path / "locked",)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"absent: No such file.*name a folder"):
        find_videos([tmp_path / "absent"])


def test_a_relative_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "a.mp4")
    monkeypatch.chdir(tmp_path)
    assert find_videos([Path()]).videos[0].path == tmp_path / "a.mp4"


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("b.mp4", ["a/a.mp4", "a/deep/c.mp4"]),
        ("deep", ["a/a.mp4", "a/b.mp4"]),
        ("a/*", []),
        ("a/deep/*", ["a/a.mp4", "a/b.mp4"]),
        ("*/deep", ["a/a.mp4", "a/b.mp4"]),
        ("*.MP4", ["a/a.mp4", "a/b.mp4", "a/deep/c.mp4"]),
    ],
)
def test_excluded(tmp_path: Path, pattern: str, left: list[str]) -> None:
    for name in ("a/a.mp4", "a/b.mp4", "a/deep/c.mp4"):
        touch(tmp_path / name)
    assert names(tmp_path, exclude=[pattern]) == left
    assert names(tmp_path, exclude=[f"{tmp_path}/a/a.mp4", pattern]) == [
        name for name in left if name != "a/a.mp4"
    ]


def test_ambiguous_names_are_told_by_their_content(tmp_path: Path) -> None:
    touch(tmp_path / "module.ts", b"export const answer: number = 42\n" * 40)
    touch(tmp_path / "stream.ts", TRANSPORT_STREAM)
    touch(tmp_path / "video", MATROSKA)
    touch(tmp_path / "README", b"text")
    touch(tmp_path / "clip.bak", MATROSKA)
    assert names(tmp_path) == ["stream.ts", "video"]
    assert len(find_videos([tmp_path / "clip.bak"]).videos) == 1


def test_m2ts_packets_carry_four_bytes_more() -> None:
    assert looks_like_video((b"\0\0\0\0\x47" + b"\0" * 187) * 5)
    assert not looks_like_video(b"G" * 100)


def test_content_is_known_again_wherever_it_lies(tmp_path: Path) -> None:
    one, same = touch(tmp_path / "a.mp4", b"x" * 100), touch(tmp_path / "b.mp4", b"x" * 100)
    other = touch(tmp_path / "c.mp4", b"x" * 99 + b"y")
    assert content_fingerprint(one) == content_fingerprint(same) != content_fingerprint(other)


@pytest.mark.parametrize("position", [0, -1])
def test_large_files_are_told_apart_by_first_and_last_bytes(tmp_path: Path, position: int) -> None:
    content = bytearray(SAMPLED_BLOCKS * BLOCK_BYTES + 12_345)
    before = content_fingerprint(touch(tmp_path / "a.mp4", content))
    content[position] = 1
    assert content_fingerprint(touch(tmp_path / "a.mp4", content)) != before


def test_a_root_that_cannot_be_seen_does_not_stop_the_others(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "a.mp4")
    (tmp_path / "loop").symlink_to("loop")
    found = find_videos([tmp_path / "loop", tmp_path / "loop" / "inside", tmp_path / "a"])
    assert [video.path.name for video in found.videos] == ["a.mp4"]
    assert found.unreadable_folders == (tmp_path / "loop", tmp_path / "loop" / "inside")


def test_a_root_without_rights_does_not_stop_the_others() -> None:
    if os.geteuid():
        pytest.skip("only the superuser can act as somebody else")
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        touch(base / "open" / "a.mp4")
        touch(base / "locked" / "inside" / "b.mp4")
        base.chmod(0o755)
        (base / "locked").chmod(0o700)
        os.seteuid(65534)
        try:
            found = find_videos([base / "locked" / "inside", base / "locked", base / "open"])
        finally:
            os.seteuid(0)
    assert [video.path.name for video in found.videos] == ["a.mp4"]
    assert found.unreadable_folders == (base / "locked", base / "locked" / "inside")


def test_roots_without_videos_are_known_also_beside_links_and_nested_roots(tmp_path: Path) -> None:
    (tmp_path / "videos" / "inner").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text("no video")
    (tmp_path / "videos" / "inner" / "a.mp4").write_bytes(b"\0" * 9)
    (tmp_path / "link").symlink_to(tmp_path / "videos")
    (tmp_path / "link.mp4").symlink_to(tmp_path / "videos" / "inner" / "a.mp4")
    names = ("videos/inner", "videos", "empty", "link", "text", "link.mp4")
    found = find_videos([tmp_path / name for name in names])
    assert len(found.videos) == 1
    assert found.roots_without_videos() == (tmp_path / "empty", tmp_path / "text")
