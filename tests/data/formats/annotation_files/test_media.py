"""Videos are found by the references of annotation files, wherever these were made."""

from pathlib import Path

import pytest

from vifi_cli.data.formats.annotation_files.media import MediaFinder, path_in
from vifi_cli.data.formats.listing import ListedVideo, Listing
from vifi_cli.errors import InvalidInput


@pytest.mark.parametrize(
    ("reference", "path"),
    [
        ("film.mp4", "film.mp4"),
        ("./deep/film.mp4", "./deep/film.mp4"),
        ("file:///home/ann/a%20film.mp4", "/home/ann/a film.mp4"),
        ("file:///C:/Users/Ann%20B/film.mp4", "/C:/Users/Ann B/film.mp4"),
        ("file://server/share/film.mp4", "/share/film.mp4"),
        ("https://example.org/v/film.mp4?t=5", "/v/film.mp4"),
        ("50%.mp4", "50%.mp4"),
    ],
)
def test_references_become_paths(reference: str, path: str) -> None:
    assert path_in(reference) == path


def test_the_listed_path_decides_and_then_the_name(tmp_path: Path) -> None:
    for name in (
        "labels/film.mp4",
        "labels/deep/other.mov",
        "disk/film.mp4",
        "disk/one/third.mp4",
        "disk/two/third.mp4",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    finder = MediaFinder([tmp_path / "labels", tmp_path / "disk"])
    assert finder.find("film.mp4") == tmp_path / "labels/film.mp4"
    assert finder.find(str(tmp_path / "disk/film.mp4")) == tmp_path / "disk/film.mp4"
    assert finder.find("file:///D:/recordings/other.mp4") == tmp_path / "labels/deep/other.mov"
    assert finder.find("E:\\two\\third.mp4") == tmp_path / "disk/two/third.mp4"
    assert finder.find("absent.mp4") is None
    with pytest.raises(InvalidInput, match=r"third\.mp4 could be"):
        finder.find("third.mp4")


def test_a_video_never_stands_in_for_one_of_the_same_name_in_another_folder(tmp_path: Path) -> None:
    """Cameras give the same names to the files of each session."""
    references = ["C:\\study\\s1\\cam.mp4", "C:\\study\\s2\\cam.mp4"]
    listed = Listing(("run",), tuple(ListedVideo(reference, 0) for reference in references))
    path = tmp_path / "s2/cam.mp4"
    path.parent.mkdir()
    path.write_text("2")
    finder = MediaFinder([tmp_path], listed)
    assert [finder.find(reference) for reference in references] == [None, path]
    path.rename(tmp_path / "cam.mp4")
    path.parent.rmdir()
    finder = MediaFinder([tmp_path], listed)
    assert finder.find(references[0]) == tmp_path / "cam.mp4"
    with pytest.raises(InvalidInput, match=r"s1.cam\.mp4 and .*s2.cam\.mp4 could both be"):
        finder.find(references[1])
    moved = MediaFinder([tmp_path])
    assert moved.find("D:\\old\\s1\\cam.mp4") == moved.find("/new/s1/cam.mp4") == tmp_path / "cam.mp4"
