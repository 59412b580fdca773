"""Clips are the same with and without a cache; the cache keeps its budget, and its failures cost nothing."""

import multiprocessing
import os
import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.made_videos import numbered_frames, textured_frames, write_video
from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.clips.store import ClipStore

Numbers = np.typing.NDArray[np.int64]

SHARED = Path(__file__).parents[3].parent / "shared" / "videos"
ODD = [path for path in sorted((SHARED / "odd").rglob("*")) if path.is_file()]
AMPLE = 10**9
CLIP_BYTES = 24 + 40 * (4 + 90 * 160 * 3)  # of one of `clips`, as the cache keeps it


def some(total: int) -> Numbers:
    """Frames in no order, some repeated: the same for one length."""
    return np.random.default_rng(total).integers(0, total, 6)


@pytest.fixture
def clips(tmp_path: Path) -> list[Path]:
    (tmp_path / "videos").mkdir()
    return [
        write_video(tmp_path / "videos" / f"{i}.mp4", textured_frames(40, seed=i), gop=10, b_frames=2)
        for i in range(4)
    ]


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.clip"))


def folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir()) if folder.exists() else 0


@pytest.mark.parametrize("short_side", [45, 90, 120])
def test_a_cache_changes_no_bit(tmp_path: Path, clips: list[Path], short_side: int) -> None:
    plain = ClipStore(short_side)
    cached = ClipStore(short_side, folder=tmp_path / "cache", budget_bytes=AMPLE)
    for path in clips:
        expected = plain.read(path, some)
        assert min(expected.shape[1:3]) == short_side
        for _ in range(2):  # once while it is filled, once from it
            np.testing.assert_array_equal(cached.read(path, some), expected)
    assert len(kept(tmp_path / "cache")) == len(clips)
    assert not list((tmp_path / "cache").glob("*.part"))


@pytest.mark.parametrize("path", ODD, ids=lambda path: path.name)
def test_a_cache_changes_no_bit_of_odd_files(tmp_path: Path, path: Path) -> None:
    cached = ClipStore(32, folder=tmp_path, budget_bytes=AMPLE)
    try:
        expected = ClipStore(32).read(path, some)
    except UnreadableVideo as error:
        reason = str(error)
        with pytest.raises(UnreadableVideo) as caught:
            cached.read(path, some)
        assert str(caught.value) == reason
        return
    for _ in range(2):
        np.testing.assert_array_equal(cached.read(path, some), expected)


def test_videos_whose_packets_do_not_tell_their_frames_are_kept_too(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.webm", numbered_frames(30), codec="vp8")
    cached = ClipStore(32, folder=tmp_path / "cache", budget_bytes=AMPLE)
    np.testing.assert_array_equal(cached.read(path, some), ClipStore(32).read(path, some))
    assert len(kept(tmp_path / "cache")) == 1


def test_later_runs_decode_nothing(tmp_path: Path, clips: list[Path]) -> None:
    folder = tmp_path / "cache"
    expected = ClipStore(90, folder=folder, budget_bytes=AMPLE).read(clips[0], some)
    state = clips[0].stat()
    clips[0].write_bytes(bytes(state.st_size))
    os.utime(clips[0], ns=(state.st_atime_ns, state.st_mtime_ns))
    np.testing.assert_array_equal(
        ClipStore(90, folder=folder, budget_bytes=AMPLE).read(clips[0], some), expected
    )


def test_a_changed_video_is_read_anew(tmp_path: Path, clips: list[Path]) -> None:
    store = ClipStore(90, folder=tmp_path / "cache", budget_bytes=AMPLE)
    store.read(clips[0], some)
    clips[0].write_bytes(clips[1].read_bytes())
    np.testing.assert_array_equal(store.read(clips[0], some), ClipStore(90).read(clips[1], some))


def test_another_size_is_another_entry(tmp_path: Path, clips: list[Path]) -> None:
    for short_side in (45, 60):
        clip = ClipStore(short_side, folder=tmp_path / "cache", budget_bytes=AMPLE).read(clips[0], some)
        np.testing.assert_array_equal(clip, ClipStore(short_side).read(clips[0], some))
    assert len(kept(tmp_path / "cache")) == 2


@pytest.mark.parametrize(
    ("budget", "entries"), [(0, 0), (CLIP_BYTES - 1, 0), (CLIP_BYTES, 1), (3 * CLIP_BYTES + 99, 3)]
)
def test_the_budget_is_kept(tmp_path: Path, clips: list[Path], budget: int, entries: int) -> None:
    folder = tmp_path / "cache"
    store = ClipStore(90, folder=folder, budget_bytes=budget)
    for path in [*clips, *clips]:
        np.testing.assert_array_equal(store.read(path, some), ClipStore(90).read(path, some))
        assert folder_bytes(folder) <= budget
    assert len(kept(folder)) == entries


def test_what_older_runs_used_last_goes_last(tmp_path: Path, clips: list[Path]) -> None:
    folder, budget = tmp_path / "cache", 3 * CLIP_BYTES
    for path in clips[:3]:
        ClipStore(90, folder=folder, budget_bytes=budget).read(path, some)
    ClipStore(90, folder=folder, budget_bytes=budget).read(clips[0], some)
    before = {path: path.stat().st_mtime_ns for path in kept(folder)}
    least_recent = min(before, key=lambda path: before[path])

    ClipStore(90, folder=folder, budget_bytes=budget).read(clips[3], some)

    assert len(kept(folder)) == 3
    assert set(before) - set(kept(folder)) == {least_recent}


def test_what_the_run_itself_has_used_stays(tmp_path: Path, clips: list[Path]) -> None:
    folder, budget = tmp_path / "cache", 2 * CLIP_BYTES
    ClipStore(90, folder=folder, budget_bytes=budget).read(clips[0], some)
    store = ClipStore(90, folder=folder, budget_bytes=budget)
    store.read(clips[0], some)
    store.read(clips[1], some)
    before = kept(folder)
    store.read(clips[2], some)
    assert kept(folder) == before


def test_files_of_others_are_left_alone_and_counted(tmp_path: Path, clips: list[Path]) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    (folder / "notes.txt").write_bytes(bytes(CLIP_BYTES))
    os.utime(folder / "notes.txt", (0, 0))
    ClipStore(90, folder=folder, budget_bytes=2 * CLIP_BYTES - 1).read(clips[0], some)
    assert (folder / "notes.txt").exists()
    assert not kept(folder)


def test_room_left_taken_by_a_killed_run_is_freed(tmp_path: Path, clips: list[Path]) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    (folder / "0123.4567.part").write_bytes(bytes(CLIP_BYTES))
    os.utime(folder / "0123.4567.part", (0, 0))
    ClipStore(90, folder=folder, budget_bytes=CLIP_BYTES).read(clips[0], some)
    assert len(kept(folder)) == 1
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize("damage", ["empty", "cut", "header", "pixels", "random", "long"])
def test_a_damaged_entry_is_decoded_again(tmp_path: Path, clips: list[Path], damage: str) -> None:
    folder = tmp_path / "cache"
    expected = ClipStore(90, folder=folder, budget_bytes=AMPLE).read(clips[0], some)
    (entry,) = kept(folder)
    content = bytearray(entry.read_bytes())
    sound = bytes(content)
    if damage == "empty":
        content.clear()
    elif damage == "cut":
        del content[-1000:]
    elif damage == "header":
        content[8:24] = b"\xff" * 16
    elif damage == "pixels":
        first = 24 + int(some(40)[0]) * (4 + 90 * 160 * 3)
        content[first + 5000] ^= 1
    elif damage == "random":
        content[:] = np.random.default_rng(0).bytes(len(content))
    else:
        content += b"more"
    entry.write_bytes(content)
    again = ClipStore(90, folder=folder, budget_bytes=AMPLE)
    np.testing.assert_array_equal(again.read(clips[0], some), expected)
    assert entry.read_bytes() == sound


def test_a_full_disk_only_costs_the_cache(tmp_path: Path, clips: list[Path], full_disk: None) -> None:
    store = ClipStore(90, folder=tmp_path / "cache", budget_bytes=AMPLE)
    for path in clips:
        np.testing.assert_array_equal(store.read(path, some), ClipStore(90).read(path, some))
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".lock"]


def test_a_folder_that_cannot_be_made_only_costs_the_cache(tmp_path: Path, clips: list[Path]) -> None:
    (tmp_path / "file").touch()
    store = ClipStore(90, folder=tmp_path / "file" / "cache", budget_bytes=AMPLE)
    np.testing.assert_array_equal(store.read(clips[0], some), ClipStore(90).read(clips[0], some))


def read_all(store: ClipStore, paths: list[Path]) -> list[bytes]:
    return [store.read(path, some).tobytes() for path in paths]


@pytest.mark.slow
def test_processes_share_a_cache_within_its_budget(tmp_path: Path, clips: list[Path]) -> None:
    folder, budget = tmp_path / "cache", 2 * CLIP_BYTES
    store = pickle.loads(pickle.dumps(ClipStore(90, folder=folder, budget_bytes=budget)))
    expected = read_all(ClipStore(90), clips)
    with ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as pool:
        for result in pool.map(read_all, [store] * 6, [clips] * 6):
            assert result == expected
    assert len(kept(folder)) == 2
    assert folder_bytes(folder) <= budget
