"""Videos inside tar files are read where they are, whatever is in the tar file."""

import io
import os
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest

from tests.frame_folders import write_shard
from tests.made_videos import frame_number, numbered_frames, write_video
from vifi_cli.errors import UnreadableVideo, VideoOutOfReach
from vifi_cli.video.clips.reader import read_clip
from vifi_cli.video.container.container import open_video
from vifi_cli.video.files.content import open_content, read_up_to, video_status
from vifi_cli.video.files.digests import complete_digest, content_fingerprint
from vifi_cli.video.files.recognition import VIDEO_SUFFIXES
from vifi_cli.video.files.virtual.tar_shards import holds_videos, read_shard


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_video(tmp_path / "clip.mp4", numbered_frames(20))


@pytest.fixture
def shard(tmp_path: Path, clip: Path) -> Path:
    other = write_video(tmp_path / "other.mkv", numbered_frames(7))
    return write_shard(
        tmp_path / "a.tar",
        {
            "000.mp4": clip.read_bytes(),
            "000.cls": b"1",
            "sub/001.mkv": other.read_bytes(),
            "sub/001.cls": b"0",
        },
    )


def test_a_member_is_a_video_like_the_file_it_was_made_of(shard: Path, clip: Path) -> None:
    member = shard / "000.mp4"
    assert video_status(member).st_size == clip.stat().st_size
    assert content_fingerprint(member) == content_fingerprint(clip)
    assert complete_digest(member) == complete_digest(clip)
    numbers = [frame_number(picture) for picture in read_clip(member, np.arange, 64)]
    assert numbers == list(range(20))
    assert len(read_clip(shard / "sub/001.mkv", np.arange, 64)) == 7


def test_a_member_has_the_times_of_its_shard_and_a_number_of_its_own(shard: Path) -> None:
    one, other = video_status(shard / "000.mp4"), video_status(shard / "sub/001.mkv")
    whole = shard.stat()
    assert (one.st_mtime_ns, one.st_ctime_ns, one.st_dev) == (
        whole.st_mtime_ns,
        whole.st_ctime_ns,
        whole.st_dev,
    )
    assert len({one.st_ino, other.st_ino, whole.st_ino}) == 3
    moved = shard.rename(shard.with_name("b.tar"))
    assert video_status(moved / "000.mp4").st_ino == one.st_ino


def test_what_is_not_in_a_shard_is_gone(shard: Path) -> None:
    with pytest.raises(FileNotFoundError):
        video_status(shard / "002.mp4")
    with pytest.raises(VideoOutOfReach, match="the file is gone"), open_video(shard / "002.mp4"):
        pass
    with pytest.raises(UnreadableVideo), open_video(shard / "000.cls"):
        pass


def test_reading_ends_with_the_member(shard: Path, clip: Path) -> None:
    with open_content(shard / "000.mp4") as file:
        assert read_up_to(file, 10**9) == clip.read_bytes()
        assert file.read(10) == b""
        file.seek(-5, os.SEEK_END)
        assert file.read() == clip.read_bytes()[-5:]


def test_names_that_lead_out_and_links_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name in (
            "../out.mp4",
            "/etc/abs.mp4",
            "a/../../x.mp4",
            "./fine.mp4",
            "ü/\udcff.mp4",
            "n" * 300 + ".mp4",
        ):
            info = tarfile.TarInfo(name)
            info.size = 3
            archive.addfile(info, io.BytesIO(b"abc"))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
            info = tarfile.TarInfo("link.mp4")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    shard = read_shard(path)
    assert list(shard.members) == ["fine.mp4", "ü/\udcff.mp4", "n" * 300 + ".mp4"]
    assert shard.damage is None
    with open_content(path / "fine.mp4") as file:
        assert file.read() == b"abc"


def test_the_last_member_of_a_name_counts(tmp_path: Path) -> None:
    path = write_shard(tmp_path / "a.tar", {"1.mp4": b"first", "2.mp4": b"x"})
    with tarfile.open(path, "a") as archive:
        info = tarfile.TarInfo("1.mp4")
        info.size = 6
        archive.addfile(info, io.BytesIO(b"second"))
    with open_content(path / "1.mp4") as file:
        assert file.read() == b"second"


@pytest.mark.parametrize("share", [0.7, 0.5, 0.2, 0.01])
def test_a_shard_that_was_cut_off_does_not_prove_that_members_are_gone(shard: Path, share: float) -> None:
    os.truncate(shard, int(shard.stat().st_size * share) // 512 * 512 + 100)
    assert read_shard(shard).damage
    with pytest.raises(OSError, match="damaged") as caught:
        video_status(shard / "sub/002.mkv")
    assert not isinstance(caught.value, FileNotFoundError)


def test_a_member_that_was_cut_off_may_be_complete_later(shard: Path, clip: Path) -> None:
    os.truncate(shard, 512 + clip.stat().st_size // 2)
    with pytest.raises(VideoOutOfReach, match=r"a\.tar is cut off within it"), open_video(shard / "000.mp4"):
        pass


@pytest.mark.parametrize("seed", range(40))
def test_damage_anywhere_never_hangs_or_crashes(shard: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    content = bytearray(shard.read_bytes())
    for _ in range(30):  # headers are where a damaged size would do harm
        block = int(random.integers(0, len(content) // 512)) if seed % 2 else 0
        place = block * 512 + int(random.integers(0, 512))
        content[place : place + 8] = random.bytes(8)
    if seed % 4 == 3:
        content[124:136] = b"\x80" + random.bytes(11)  # a size of 88 bits
        content[148:156] = b"%06o\0 " % (sum(content[:148]) + sum(content[156:512]) + 8 * 32)
    shard.write_bytes(content)
    started = time.process_time()
    found = read_shard(shard)
    assert holds_videos(shard, VIDEO_SUFFIXES) in (True, False)
    assert all(member.size_bytes >= 0 and member.start > 0 for member in found.members.values())
    assert time.process_time() - started < 5


def test_a_negative_size_is_damage_and_not_an_endless_list(tmp_path: Path) -> None:
    path = write_shard(tmp_path / "a.tar", {"1.mp4": b"abc", "2.mp4": b"abc"})
    content = bytearray(path.read_bytes())
    header = content[1024:1536]
    header[124:136] = b"\xff" + (2**88 - 1024).to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    content[1024:1536] = header
    path.write_bytes(content)
    assert read_shard(path).damage


def test_long_names_without_end_are_damage_in_words(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.size, info.type = 10, tarfile.GNUTYPE_LONGNAME
    header = info.tobuf(tarfile.GNU_FORMAT)
    path = tmp_path / "a.tar"
    path.write_bytes(3000 * (header + b"a.mp4".ljust(512, b"\0")) + bytes(1024))
    assert read_shard(path).damage == "a header that makes no sense"


@pytest.mark.parametrize("content", [b"", b"x" * 2000, b"\0" * 10240])
def test_what_is_not_a_tar_file_holds_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(content)
    assert not read_shard(path).members
    assert not holds_videos(path, VIDEO_SUFFIXES)


def test_a_shard_of_videos_is_told_from_other_archives(tmp_path: Path) -> None:
    samples = {f"{n:04}.{end}": b"x" for n in range(40) for end in ("cls", "json", "mp4")}
    assert holds_videos(write_shard(tmp_path / "a.tar", samples), VIDEO_SUFFIXES)
    program = {f"src/file{n}.py": b"x" for n in range(40)} | {"demo.mp4": b"x"}
    assert not holds_videos(write_shard(tmp_path / "b.tar", program), VIDEO_SUFFIXES)


def test_a_changed_shard_is_listed_again(tmp_path: Path) -> None:
    path = write_shard(tmp_path / "a.tar", {"1.mp4": b"abc"})
    assert list(read_shard(path).members) == ["1.mp4"]
    write_shard(path, {"2.mp4": b"abcd" * 200})
    assert list(read_shard(path).members) == ["2.mp4"]
