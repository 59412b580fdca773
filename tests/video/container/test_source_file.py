"""What a failing disk does to a read: never a shorter video, always a reason that is not the file's content."""

import os
import resource
from pathlib import Path

import numpy as np
import pytest

from tests.made_videos import numbered_frames, write_video
from vifi_cli.errors import ReadingBrokeOff, UnreadableVideo, VideoOutOfReach
from vifi_cli.video.clips.reader import read_clip
from vifi_cli.video.clock.file_clock import PLAIN_CLOCK
from vifi_cli.video.container.container import open_video, unwatched
from vifi_cli.video.container.source_file import SourceFile
from vifi_cli.video.export.sound import open_sound

FRAMES = 100


@pytest.fixture(params=["mp4", "mkv", "ts", "avi"])
def video(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Two megabytes of noise, more than FFmpeg reads ahead."""
    random = np.random.default_rng(0)
    pictures = (random.integers(0, 256, (120, 160, 3), np.uint8) for _ in range(FRAMES))
    return write_video(tmp_path / f"clip.{request.param}", pictures)


def test_a_file_that_becomes_shorter_while_it_is_read_is_not_a_shorter_video(video: Path) -> None:
    with open_video(video) as opened:
        frames = opened.frames(unwatched)
        next(frames)
        os.truncate(video, 100)
        with pytest.raises(ReadingBrokeOff, match="became shorter while it was read"):
            list(frames)


def test_a_file_that_ended_early_before_is_only_damaged(video: Path) -> None:
    os.truncate(video, video.stat().st_size // 2)
    if video.suffix == ".mp4":
        with pytest.raises(UnreadableVideo, match="moov atom not found") as caught, open_video(video):
            pass
        assert type(caught.value) is UnreadableVideo
    else:
        with open_video(video) as opened:
            assert 0 < len(list(opened.frames(unwatched))) < FRAMES


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (Path.unlink, "the file is gone"),
        (lambda path: (path.unlink(), path.mkdir()), "a folder, not a file"),
        (lambda path: (path.unlink(), path.symlink_to(path)), "the file cannot be read: Too many levels"),
    ],
)
def test_a_file_that_cannot_be_opened_now_is_out_of_reach(tmp_path: Path, spoil: object, reason: str) -> None:
    path = write_video(tmp_path / "clip.mp4", numbered_frames(2))
    assert callable(spoil)
    spoil(path)
    with pytest.raises(VideoOutOfReach, match=reason), open_video(path):
        pass
    with pytest.raises(VideoOutOfReach, match=reason), open_sound(path, PLAIN_CLOCK):
        pass
    with pytest.raises(VideoOutOfReach, match=reason):
        read_clip(path, lambda _: pytest.fail("nothing to choose from"), 64)


def test_too_many_open_files_are_no_fault_of_the_video(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", numbered_frames(2))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(VideoOutOfReach, match="Too many open files"):
            SourceFile(path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_seek_to_where_no_file_goes_is_an_error_number(tmp_path: Path) -> None:
    (tmp_path / "any").write_bytes(b"abc")
    source = SourceFile(tmp_path / "any")
    assert source.seek(-5) < 0
    assert (source.seek(1), source.read(9), source.read(9)) == (1, b"bc", b"")
    assert source.seek(50) == 50
    assert source.read(9) == b""
    source.check()
    source.close()


def test_missing_memory_is_no_fault_of_the_video(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", numbered_frames(2))
    path.write_bytes(path.read_bytes()[:200])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 100 * 2**20, hard))
    try:
        with pytest.raises(ReadingBrokeOff, match="not enough memory to decode it"), open_video(path):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    with pytest.raises(UnreadableVideo, match="moov atom not found"), open_video(path):
        pass


def test_a_look_elsewhere_does_not_move_the_position_also_without_pread(
    video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = video.read_bytes()
    source = SourceFile(video)
    source.seek(100)
    with monkeypatch.context() as patch:
        patch.setattr("sys.platform", "win32")
        patch.delattr(os, "pread")
        elsewhere = source._read_at(5000, 50)
    assert elsewhere == content[5000:5050] == source._read_at(5000, 50)
    assert source.read(10) == content[100:110]
    source.close()
