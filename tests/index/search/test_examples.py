import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.color_encoder import ColorEncoder
from tests.made_videos import solid_colour_clip, solid_picture, textured_frames, write_video
from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.search.examples import look_up_example, read_example
from vifi_cli.index.search.query import Example
from vifi_cli.index.search.ranking import Place
from vifi_cli.index.update.indexer import update_index
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.discovery import find_videos
from vifi_cli.video.moment import TimeRange

PARTS = [None, TimeRange(3, 7, 5), TimeRange(1.2, 1.3, 1.2), TimeRange(8, 99, 9)]


@pytest.fixture
def video(catalog: Catalog, tmp_path: Path) -> Path:
    """An indexed video, red for five seconds and blue for five."""
    path = solid_colour_clip(tmp_path / "videos" / "two.mp4", [("red", 5.0), ("blue", 5.0)])
    index(catalog, path.parent)
    return path


@pytest.fixture(autouse=True)
def videos(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()


def index(catalog: Catalog, folder: Path) -> None:
    update_index(catalog, find_videos([folder]), [folder], ColorEncoder)


def seen(example: Example) -> np.ndarray:
    return read_example(example, ColorEncoder, FrameSampling()).embedding


def looked_up(catalog: Catalog, example: Example) -> np.ndarray:
    known = look_up_example(catalog, example)
    assert known is not None
    return known.embedding


def ask(text: str) -> np.ndarray:
    return ColorEncoder().encode_texts([text])[0]


def test_a_part_of_a_video_looks_like_what_it_shows(catalog: Catalog, video: Path) -> None:
    for read in (seen, lambda example: looked_up(catalog, example)):
        assert read(Example(video, TimeRange(1, 4, 1))) @ ask("red") > 0.99
        assert read(Example(video, TimeRange(6, 9, 6))) @ ask("blue") > 0.99


@pytest.mark.parametrize("part", PARTS, ids=str)
def test_what_the_index_knows_is_what_reading_gives(
    catalog: Catalog, tmp_path: Path, part: TimeRange | None
) -> None:
    path = write_video(tmp_path / "videos" / "clip.mp4", textured_frames(100), gop=10)
    index(catalog, path.parent)
    np.testing.assert_allclose(looked_up(catalog, Example(path, part)), seen(Example(path, part)), atol=1e-6)


def test_the_place_of_an_example_is_known(catalog: Catalog, video: Path) -> None:
    (known,) = catalog.videos()
    part = look_up_example(catalog, Example(video, TimeRange(3, 7, 5)))
    assert part is not None
    assert part.place == Place(known.id, 3, 7)
    whole = look_up_example(catalog, Example(video))
    assert whole is not None
    assert whole.place == Place(known.id, -np.inf, np.inf)


def test_a_file_that_is_gone_is_known_still(catalog: Catalog, video: Path) -> None:
    video.unlink()
    assert looked_up(catalog, Example(video, TimeRange(1, 4, 1))) @ ask("red") > 0.99


def test_a_copy_and_a_link_are_known_by_their_content(catalog: Catalog, video: Path, tmp_path: Path) -> None:
    copy, link = tmp_path / "copy.mp4", tmp_path / "link.mp4"
    shutil.copyfile(video, copy)
    link.symlink_to(video)
    for path in (copy, link):
        assert looked_up(catalog, Example(path, TimeRange(1, 4, 1))) @ ask("red") > 0.99


def test_a_file_that_was_changed_is_read_anew(catalog: Catalog, video: Path) -> None:
    solid_colour_clip(video, [("green", 5.0)])
    assert look_up_example(catalog, Example(video)) is None
    assert seen(Example(video)) @ ask("green") > 0.5


def test_a_touched_file_is_known(catalog: Catalog, video: Path) -> None:
    video.touch()
    assert look_up_example(catalog, Example(video)) is not None


def test_a_picture_looks_like_what_it_shows(catalog: Catalog, tmp_path: Path) -> None:
    path = tmp_path / "yellow.png"
    Image.fromarray(solid_picture("yellow")).save(path)
    assert look_up_example(catalog, Example(path)) is None
    assert seen(Example(path)) @ ask("yellow") == pytest.approx(1.0, abs=1e-5)
    without_suffix = path.rename(tmp_path / "yellow")
    assert seen(Example(without_suffix)) @ ask("yellow") == pytest.approx(1.0, abs=1e-5)


def test_times_after_the_end_are_refused(catalog: Catalog, video: Path) -> None:
    late = Example(video, TimeRange(11, 15, 13))
    for read in (seen, lambda example: looked_up(catalog, example)):
        with pytest.raises(InvalidInput, match=r"two.mp4 ends at 10.0 s, before 13.0 s"):
            read(late)


def test_what_cannot_be_seen_is_said(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("neither picture nor video")
    (tmp_path / "empty.mp4").touch()
    os.mkfifo(tmp_path / "pipe")
    picture = tmp_path / "picture.png"
    Image.fromarray(solid_picture("red")).save(picture)
    for example, says in (
        (Example(tmp_path / "gone.jpg"), "gone.jpg: no such file"),
        (Example(tmp_path / ("x" * 3000)), "no such file"),
        (Example(tmp_path), "is a folder"),
        (Example(tmp_path / "pipe"), "is not a regular file"),
        (Example(tmp_path / "notes.txt"), "notes.txt: not a video"),
        (Example(tmp_path / "empty.mp4"), "empty.mp4: the file is empty"),
        (Example(tmp_path / "notes.txt", TimeRange(1, 2, 1)), "notes.txt: not a video"),
    ):
        with pytest.raises(InvalidInput, match=says):
            seen(example)


def test_watching_tells_how_much_there_is(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", textured_frames(600, 32, 32), gop=10)
    told = list[tuple[float, float | None]]()
    watch = lambda done, total: told.append((done, total))  # noqa: E731
    read_example(Example(path), ColorEncoder, FrameSampling(), watch)
    read_example(Example(path, TimeRange(20, 30, 20)), ColorEncoder, FrameSampling(), watch)
    assert [total for _, total in told] == [60.0, 60.0, 10.0]
    assert all(done <= (total or 0) for done, total in told)


def test_a_file_that_cannot_be_seen_is_not_called_absent(tmp_path: Path) -> None:
    (tmp_path / "loop.mp4").symlink_to("loop.mp4")
    with pytest.raises(InvalidInput, match=r"cannot be seen .*: check its rights and its disk"):
        seen(Example(tmp_path / "loop.mp4"))
