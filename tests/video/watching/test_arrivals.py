"""Files count as complete after the right events and times; the tests never wait."""

import os
from pathlib import Path

import pytest

from tests.frame_folders import write_frames, write_shard
from tests.made_videos import numbered_frames
from vifi_cli.video.watching.arrivals import (
    LONGEST_WAIT_SECONDS,
    QUIET_SECONDS,
    SETTLED_SECONDS,
    Arrivals,
    FileEvent,
    Kind,
)


@pytest.fixture
def arrivals(tmp_path: Path) -> Arrivals:
    return Arrivals((tmp_path,), frozenset({tmp_path / "old.folder", tmp_path}))


def tell(arrivals: Arrivals, kind: Kind, path: Path, now: float) -> None:
    arrivals.note([FileEvent(kind, path)], now)


def write(path: Path, size: int, changed: float = 0.0) -> Path:
    path.write_bytes(b"x" * size)
    os.utime(path, (changed, changed))
    return path


def test_nothing_happens_and_nothing_is_due(arrivals: Arrivals) -> None:
    arrivals.look(1000.0)
    assert not arrivals.is_due(1000.0)


def test_a_file_is_taken_when_it_has_stayed_the_same_for_a_while(arrivals: Arrivals, tmp_path: Path) -> None:
    path = write(tmp_path / "new.mp4", 10)
    tell(arrivals, "added", path, 0.0)
    for now in range(10):  # it grows, with and without word of it
        write(path, 10 + now, now)
        if now % 2:
            tell(arrivals, "modified", path, now)
        arrivals.look(now)
        assert not arrivals.is_due(now)
    write(path, 19, 10.0)  # only its time of change is new
    arrivals.look(10.0)
    arrivals.look(9.0 + SETTLED_SECONDS)
    assert not arrivals.is_due(9.0 + SETTLED_SECONDS + QUIET_SECONDS)
    settled = 10.0 + SETTLED_SECONDS
    arrivals.look(settled)
    assert not arrivals.is_due(settled), "others may follow"
    assert arrivals.is_due(settled + QUIET_SECONDS)
    assert arrivals.begin() == frozenset()
    assert not arrivals.is_due(1000.0), "it has been seen to"


def test_a_burst_is_one_thing(arrivals: Arrivals, tmp_path: Path) -> None:
    for number in range(5):
        tell(arrivals, "added", write(tmp_path / f"{number}.mp4", 10), number)
        arrivals.look(number)
    for now in range(5, 5 + int(SETTLED_SECONDS + QUIET_SECONDS)):
        arrivals.look(now)
    assert not arrivals.is_due(4.0 + SETTLED_SECONDS + QUIET_SECONDS - 0.1)
    assert arrivals.is_due(4.0 + SETTLED_SECONDS + QUIET_SECONDS)


def test_a_recording_that_never_ends_does_not_hold_up_the_others(arrivals: Arrivals, tmp_path: Path) -> None:
    endless = write(tmp_path / "camera.mp4", 1)
    tell(arrivals, "added", endless, 0.0)
    tell(arrivals, "added", write(tmp_path / "other.mp4", 10), 0.0)
    due = []
    for now in range(int(LONGEST_WAIT_SECONDS + SETTLED_SECONDS) + 1):
        write(endless, 1 + now, now)
        tell(arrivals, "modified", endless, now)
        arrivals.look(now)
        if arrivals.is_due(now):
            due.append(now)
            assert arrivals.begin() == {endless}
    assert due == [LONGEST_WAIT_SECONDS + SETTLED_SECONDS]


def test_a_file_moved_to_another_disk_is_seen_to_have_moved_in_one_look(
    arrivals: Arrivals, tmp_path: Path
) -> None:
    copy = write(tmp_path / "copy.mp4", 10)
    tell(arrivals, "added", copy, 0.0)
    arrivals.look(1.0)
    tell(arrivals, "deleted", tmp_path / "original.mp4", 2.0)
    assert not arrivals.is_due(2.0 + QUIET_SECONDS), "the copy is not known to be complete"
    arrivals.look(SETTLED_SECONDS)
    assert arrivals.is_due(SETTLED_SECONDS + QUIET_SECONDS)
    assert arrivals.begin() == frozenset()


def test_folders_that_come_and_files_and_folders_that_go_matter(arrivals: Arrivals, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    happenings: list[FileEvent] = [
        FileEvent("added", tmp_path / "folder"),
        FileEvent("deleted", tmp_path / "gone.mp4"),
        FileEvent("deleted", tmp_path / "ambiguous.ts"),
        FileEvent("deleted", tmp_path / "old.folder"),
        FileEvent("deleted", tmp_path),
        FileEvent("added", tmp_path / "no text \ufffd.mp4"),
    ]
    for happening in happenings:
        arrivals.note([happening], 0.0)
        assert arrivals.is_due(QUIET_SECONDS), happening
        arrivals.begin()


def test_what_cannot_be_a_video_does_not_matter(arrivals: Arrivals, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / ".hidden").mkdir()
    arrivals.note(
        [
            FileEvent("added", write(tmp_path / "notes.txt", 10)),
            FileEvent("added", write(tmp_path / "code.ts", 10)),
            FileEvent("added", write(tmp_path / ".movie.mp4.part", 10)),
            FileEvent("added", write(tmp_path / ".movie.mp4", 10)),
            FileEvent("added", write(tmp_path / ".hidden" / "movie.mp4", 10)),
            FileEvent("modified", tmp_path / "folder"),
            FileEvent("deleted", tmp_path / "notes.old"),
            FileEvent("deleted", tmp_path / ".movie.mp4"),
            FileEvent("added", tmp_path / "gone before it was looked at.mp4"),
            FileEvent("added", tmp_path.parent / "elsewhere.mp4"),
        ],
        0.0,
    )
    arrivals.look(100.0)
    assert not arrivals.is_due(1000.0)


def test_a_root_may_be_hidden_itself(tmp_path: Path) -> None:
    root = tmp_path / ".videos"
    root.mkdir()
    arrivals = Arrivals((root,))
    tell(arrivals, "added", write(root / "movie.mp4", 10), 0.0)
    arrivals.look(SETTLED_SECONDS)
    assert arrivals.is_due(SETTLED_SECONDS + QUIET_SECONDS)


@pytest.mark.parametrize("outer_first", [True, False])
def test_the_innermost_root_decides_what_is_hidden(tmp_path: Path, outer_first: bool) -> None:
    outer, inner = tmp_path, tmp_path / ".recordings" / "camera"
    (inner / ".cache").mkdir(parents=True)
    arrivals = Arrivals((outer, inner) if outer_first else (inner, outer))
    tell(arrivals, "added", write(inner / ".cache" / "preview.mp4", 10), 0.0)
    tell(arrivals, "added", write(inner.parent / "beside.mp4", 10), 0.0)
    arrivals.look(SETTLED_SECONDS)
    assert not arrivals.is_due(SETTLED_SECONDS + QUIET_SECONDS), "these are hidden from both roots"
    tell(arrivals, "added", write(inner / "movie.mp4", 10), 20.0)
    arrivals.look(20.0 + SETTLED_SECONDS)
    assert arrivals.is_due(20.0 + SETTLED_SECONDS + QUIET_SECONDS)


def test_a_file_that_goes_while_it_is_waited_for_is_not_waited_for(
    arrivals: Arrivals, tmp_path: Path
) -> None:
    path = write(tmp_path / "new.mp4", 10)
    tell(arrivals, "added", path, 0.0)
    path.unlink()
    arrivals.look(1.0)
    assert arrivals.is_due(1.0 + QUIET_SECONDS)
    assert arrivals.begin() == frozenset()


def test_a_file_that_was_doubted_is_looked_at_again(arrivals: Arrivals, tmp_path: Path) -> None:
    path = write(tmp_path / "new.mp4", 10)
    arrivals.mark_unstable(path, 0.0)
    assert arrivals.begin() == {path}
    arrivals.look(SETTLED_SECONDS)
    assert arrivals.is_due(SETTLED_SECONDS + QUIET_SECONDS)


def test_the_patterns_of_a_search_count_for_what_arrives(tmp_path: Path) -> None:
    (tmp_path / ".camera").mkdir()
    arrivals = Arrivals((tmp_path,), exclude=("old*",), include=(".camera",))
    tell(arrivals, "added", write(tmp_path / "old.mp4", 10), 0.0)
    arrivals.look(SETTLED_SECONDS)
    assert not arrivals.is_due(SETTLED_SECONDS + QUIET_SECONDS)
    tell(arrivals, "added", write(tmp_path / ".camera" / "new.mp4", 10), 20.0)
    arrivals.look(20.0 + SETTLED_SECONDS)
    assert arrivals.is_due(20.0 + SETTLED_SECONDS + QUIET_SECONDS)


def test_a_shard_is_taken_when_it_has_stayed_the_same_for_a_while(arrivals: Arrivals, tmp_path: Path) -> None:
    shard = write_shard(tmp_path / "a.tar", {"0.mp4": b"abc"})
    tell(arrivals, "added", shard, 0.0)
    assert arrivals.begin() == {shard}
    arrivals.look(SETTLED_SECONDS)
    assert arrivals.is_due(SETTLED_SECONDS + QUIET_SECONDS)
    arrivals.begin()
    arrivals.mark_unstable(shard / "0.mp4", 20.0)
    assert arrivals.begin() == {shard}, "a member is as complete as its shard"
    tell(arrivals, "deleted", tmp_path / "b.tar", 30.0)
    assert arrivals.is_due(30.0 + LONGEST_WAIT_SECONDS)


@pytest.mark.parametrize("is_wanted", [False, True])
def test_frames_are_one_video_that_is_complete_when_no_picture_comes(tmp_path: Path, is_wanted: bool) -> None:
    folder = write_frames(tmp_path / "v_1", numbered_frames(9))
    arrivals = Arrivals((tmp_path,), frame_folders=is_wanted)
    arrivals.note([FileEvent("added", picture) for picture in sorted(folder.iterdir())], 0.0)
    assert arrivals.begin() == ({folder} if is_wanted else frozenset())
    arrivals.folders = frozenset({folder, tmp_path})  # as once it is indexed
    (folder / "img_00009.jpg").unlink()
    tell(arrivals, "deleted", folder / "img_00009.jpg", 10.0)
    assert arrivals.begin() == {folder}
