"""The classes that a user names, in every form, and what is refused."""

from pathlib import Path

import pytest

from tests.frame_folders import write_frames
from tests.made_videos import numbered_frames, write_video
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.visualization.classify import read_class_list, videos_in
from vifi_cli.errors import InvalidInput


def test_a_row_of_names() -> None:
    assert read_class_list("run, wave both hands ,jump,") == ("run", "wave both hands", "jump")


def test_the_name_of_a_public_set() -> None:
    names = read_class_list("hmdb51")
    assert (len(names), names[0]) == (51, "brush hair")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("a.txt", "run\nwave, both hands\n"),
        ("a.txt", "\ufeffrun\r\n\r\n  wave, both hands\r\n\r\n"),
        ("a.csv", 'id,name\r\n0,run\r\n1,"wave, both hands"\r\n\r\n'),
        ("a.csv", '1,"wave, both hands"\n0,run\n'),
        ("a.csv", "run\nwave, both hands\n"),
        ("classes", "run\nwave, both hands"),
    ],
)
def test_files(tmp_path: Path, file: str, content: str) -> None:
    (tmp_path / file).write_text(content, encoding="utf-8", newline="")
    assert read_class_list(str(tmp_path / file)) == ("run", "wave, both hands")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("run\n\nwalk\nrun\n", "lines 1 and 4 both name the class 'run'"),
        ("run\n", "only one class, 'run'"),
        ("\n\n", "has no class"),
        ("run\nwa\x07lk\n", "'wa\\x07lk' is not plain text"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "a.txt").write_text(content)
    with pytest.raises(InvalidInput) as caught:
        read_class_list(str(tmp_path / "a.txt"))
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "a.txt"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("run", "only one class, 'run'"),
        ("", "has no class"),
        ("run,,walk", "class 2 of 'run,,walk' is empty"),
        ("run,walk,run", "names 'run' twice"),
        ("classes.txt", "classes.txt does not exist"),
    ],
)
def test_rows_that_are_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_class_list(text)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"run\n\xff\xfe")
    with pytest.raises(InvalidInput, match="not UTF-8"):
        read_class_list(str(tmp_path / "a.txt"))


def test_frame_folders_are_read_if_there_is_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    frames = write_frames(tmp_path / "all" / "v_1", numbered_frames(9))
    write_frames(tmp_path / "all" / "photos", numbered_frames(9), name="IMG_{:04}.JPG")
    for given in (frames, tmp_path / "all"):
        assert videos_in([given], AUTOMATIC) == [frames]
        assert "vifi reads 1 folder of numbered pictures as videos" in caplog.text
    video = write_video(tmp_path / "all" / "a.mp4", numbered_frames(3))
    assert videos_in([tmp_path / "all"], AUTOMATIC) == [video]
    assert "skipped: 1 folder of numbered pictures (`vifi config set frame_folders true`" in caplog.text
