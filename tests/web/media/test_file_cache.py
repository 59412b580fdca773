import asyncio
import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from tests.made_videos import solid_colour_clip
from vifi_cli.errors import UnreadableVideo, VideoOutOfReach
from vifi_cli.video.moment import Moment
from vifi_cli.video.workers.isolated_worker import Report
from vifi_cli.web.media.file_cache import MadeFiles
from vifi_cli.web.media.render_processes import Renderers
from vifi_cli.web.media.renderings import write_still


@contextmanager
def made_files(folder: Path, *, processes: int = 2, stall_seconds: float = 60.0) -> Iterator[MadeFiles]:
    renderers = Renderers(processes, stall_seconds)
    yield MadeFiles(folder / "made", renderers, most_files=3, most_bytes=1000)
    renderers.close()


@dataclass(frozen=True)
class Write:
    """Writes a text, and a line to a record of what was made."""

    text: str
    record: Path
    name: str = "text"

    def __call__(self, target: Path, report: Report) -> None:
        with self.record.open("a") as record:
            record.write("made\n")
        target.write_text(self.text)


@dataclass(frozen=True)
class Wait:
    """Opens a pipe and waits for ever for what comes out of it."""

    pipe: Path
    name: str = "wait"

    def __call__(self, target: Path, report: Report) -> None:
        target.write_bytes(self.pipe.read_bytes())


@dataclass(frozen=True)
class Crash:
    """Takes its process down, as a decoder may, and writes to a record."""

    record: Path
    name: str = "crash"

    def __call__(self, target: Path, report: Report) -> None:
        with self.record.open("a") as record:
            record.write("tried\n")
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Refuse:
    """Finds no picture in a video."""

    record: Path
    name: str = "refuse"

    def __call__(self, target: Path, report: Report) -> None:
        with self.record.open("a") as record:
            record.write("tried\n")
        target.write_text("half")
        raise UnreadableVideo("no frame in its video stream")


@dataclass(frozen=True)
class Unplug:
    """Finds its disk unplugged while it reads."""

    record: Path

    def __call__(self, target: Path, report: Report) -> None:
        with self.record.open("a") as record:
            record.write("tried\n")
        target.write_text("half")
        raise VideoOutOfReach("its disk is gone")


def test_a_file_is_made_once_and_found_again(tmp_path: Path) -> None:
    async def ask() -> list[Path]:
        with made_files(tmp_path) as made:
            make = Write("hello", tmp_path / "record")
            paths = await asyncio.gather(*(made.get("a.txt", make) for _ in range(5)))
            return [
                *paths,
                await made.get("a.txt", make),
                await made.get("a.txt", make),
            ]

    paths = asyncio.run(ask())
    assert {path.read_text() for path in paths} == {"hello"}
    assert (tmp_path / "record").read_text() == "made\n"


def test_what_nobody_waits_for_any_more_is_broken_off(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    async def leave() -> None:
        with made_files(tmp_path) as made:
            waiting = [asyncio.create_task(made.get("a", Wait(pipe))) for _ in range(2)]
            writer = await asyncio.to_thread(os.open, pipe, os.O_WRONLY)  # opens once the other process reads
            poll = select.poll()
            poll.register(writer, select.POLLERR)
            waiting[0].cancel()
            await asyncio.gather(waiting[0], return_exceptions=True)
            assert not poll.poll(0), "somebody still waits"
            waiting[1].cancel()
            assert await asyncio.to_thread(poll.poll), "the process is gone, and its end of the pipe with it"
            os.close(writer)
            record = tmp_path / "record"
            assert (await made.get("a", Write("later", record))).read_text() == "later"

    asyncio.run(leave())


def test_what_is_broken_off_does_not_take_the_next_with_it(tmp_path: Path) -> None:
    async def leave() -> None:
        with made_files(tmp_path, processes=1) as made:
            for number in range(3):
                pipe = tmp_path / f"pipe {number}"
                os.mkfifo(pipe)
                waiting = asyncio.create_task(made.get(f"a {number}", Wait(pipe)))
                writer = await asyncio.to_thread(os.open, pipe, os.O_WRONLY)
                waiting.cancel()
                make = Write("next", tmp_path / "record")
                assert (await made.get(f"b {number}", make)).read_text() == "next"
                os.close(writer)

    asyncio.run(leave())


def test_what_hangs_is_broken_off_and_tried_again_when_asked_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    async def ask() -> None:
        with made_files(tmp_path, stall_seconds=0.01) as made:
            for _ in range(2):
                with pytest.raises(UnreadableVideo, match="hung"):
                    await made.get("a", Wait(pipe))
        with made_files(tmp_path) as made:
            assert (await made.get("a", Write("it works", tmp_path / "record"))).read_text() == "it works"

    asyncio.run(ask())


def test_what_cannot_be_made_is_not_tried_again_until_the_file_changes(tmp_path: Path) -> None:
    record = tmp_path / "record"

    async def ask() -> None:
        with made_files(tmp_path) as made:
            for _ in range(3):
                with pytest.raises(UnreadableVideo, match="no frame"):
                    await made.get("a", Refuse(record), "as it is")
            assert (await made.get("b", Write("still works", record))).read_text() == "still works"
            with pytest.raises(UnreadableVideo, match="no frame"):
                await made.get("a", Refuse(record), "changed")
            assert (await made.get("a", Write("mended", record), "mended")).read_text() == "mended"
            assert (await made.get("a", Refuse(record), "as it is")).read_text() == "mended", (
                "of equal content"
            )

    asyncio.run(ask())
    assert record.read_text() == "tried\nmade\ntried\nmade\n"
    assert visible(tmp_path / "made") == ["a", "b"]


@pytest.mark.parametrize("failure", [Crash, Unplug])
def test_what_fails_for_a_passing_reason_is_tried_again(
    tmp_path: Path, failure: type[Crash | Unplug]
) -> None:
    record = tmp_path / "record"

    async def ask() -> None:
        with made_files(tmp_path) as made:
            for _ in range(2):
                with pytest.raises((UnreadableVideo, OSError)):
                    await made.get("a", failure(record))
            assert visible(tmp_path / "made") == []
            assert (await made.get("a", Write("works again", record))).read_text() == "works again"

    asyncio.run(ask())
    assert record.read_text() == "tried\ntried\nmade\n"


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_a_full_disk_is_told_and_tried_again(tmp_path: Path) -> None:
    (tmp_path / "made").write_text("in the way of the folder")

    async def ask() -> None:
        with made_files(tmp_path) as made:
            with pytest.raises(OSError, match="exists"):
                await made.get("a", Write("a", tmp_path / "record"))
            (tmp_path / "made").unlink()
            await made.get("a", Write("a", tmp_path / "record"))

    asyncio.run(ask())


def test_the_files_unused_for_longest_go_first(tmp_path: Path) -> None:
    async def ask() -> None:
        with made_files(tmp_path) as made:
            make = Write("x" * 10, tmp_path / "record")
            for age, name in enumerate(["a", "b", "c"]):
                path = await made.get(name, make)
                os.utime(path, (1000 + age, 1000 + age))
            await made.get("a", make)
            await made.get("d", make)
            assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["a", "c", "d"]
            await made.get("large", Write("x" * 990, tmp_path / "record"))
            assert "c" not in {path.name for path in (tmp_path / "made").iterdir()}
            assert (await made.get("larger", Write("x" * 2000, tmp_path / "record"))).exists(), (
                "what is asked for stays"
            )
            assert [path.name for path in (tmp_path / "made").iterdir()] == ["larger"]

    asyncio.run(ask())


def test_what_killed_processes_have_left_is_cleared_away(tmp_path: Path) -> None:
    left = tmp_path / "made" / ".old.123.part"
    left.parent.mkdir()
    left.write_text("half")
    os.utime(left, (1000, 1000))
    fresh = tmp_path / "made" / ".new.124.part"
    fresh.write_text("being made by another server")

    async def ask() -> None:
        with made_files(tmp_path) as made:
            await made.get("a", Write("a", tmp_path / "record"))

    asyncio.run(ask())
    assert not left.exists()
    assert fresh.exists()


def test_a_still_of_a_video_that_breaks_off_shows_where_it_begins(tmp_path: Path) -> None:
    video = solid_colour_clip(tmp_path / "red.mp4", [("red", 2.0)])
    write_still(Moment(video, 0.0, 100.0), tmp_path / "still.webp", lambda _: None)
    with Image.open(tmp_path / "still.webp") as picture:
        assert picture.width > 0
    with pytest.raises(UnreadableVideo):
        write_still(Moment(video, 50.0, 100.0), tmp_path / "still.webp", lambda _: None)
