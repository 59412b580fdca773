"""CVAT's annotations of videos, with the times of real frames."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.data.formats.annotation_files.conftest import rows_of
from tests.made_videos import numbered_frames, write_video
from vifi_cli.data.loading import read_own_splits
from vifi_cli.data.source import DataSource
from vifi_cli.errors import InvalidInput

Write = Callable[[str, str], Path]
FRAMES = 20
TIMES = [number * 0.1 if number < 10 else 1.0 + (number - 10) * 0.5 for number in range(FRAMES)]

META = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <task>
      <id>5</id><name>session</name><size>20</size><mode>interpolation</mode><overlap>5</overlap>
      <created>2018-09-25 12:32:09.868194+03:00</created>
      <subset>{subset}</subset><start_frame>0</start_frame><stop_frame>19</stop_frame>
      <frame_filter>{filter}</frame_filter>
      <labels>
        <label><name>person</name><type>any</type><attributes>{attributes}</attributes></label>
        <label><name>car</name><attributes></attributes></label>
      </labels>
      <segments><segment><id>5</id><start>0</start><stop>19</stop><url>http://x/?id=5</url></segment></segments>
      <owner><username>admin</username><email></email></owner>
      <original_size><width>160</width><height>64</height></original_size>
      <source>film.mp4</source>
    </task>
    <dumped>2018-09-25 16:05:07.134046+03:00</dumped>
  </meta>
"""
ATTRIBUTE = "<attribute><name>action</name><mutable>True</mutable><input_type>select</input_type></attribute>"


def document(body: str, subset: str = "default", attributes: str = "", step: str = "") -> str:
    return META.format(subset=subset, attributes=attributes, filter=step) + body + "</annotations>"


def box(frame: int, *, outside: bool = False, action: str = "") -> str:
    attribute = f'<attribute name="action">{action}</attribute>' if action else ""
    return (
        f'<box frame="{frame}" keyframe="1" outside="{int(outside)}" occluded="0" xtl="1.0" ytl="1.0" xbr="9.0" '
        f'ybr="9.0" z_order="0">{attribute}</box>'
    )


def track(label: str, *shapes: str) -> str:
    return f'<track id="0" label="{label}" source="manual">{"".join(shapes)}</track>'


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film at ten frames a second, and from frame 10 on at two."""
    folder = tmp_path_factory.mktemp("films")
    return write_video(folder / "film.mp4", numbered_frames(FRAMES), frame_seconds=TIMES)


def test_tracks_last_from_their_first_frame_to_where_they_are_outside(write: Write, film: Path) -> None:
    body = track("person", box(2), box(5), box(8, outside=True), box(12), box(13), box(14, outside=True))
    body += track("car", box(0), box(1)) + track("car", box(20), box(25, outside=True))
    path = write("annotations.xml", document(body))
    rows, remarks = rows_of(str(path), film.parent)
    assert "left out 1 run of frames after the end of the video" in remarks
    assert rows == [
        ("film.mp4", "person", 0.2, 0.8, ""),
        ("film.mp4", "person", 2.0, 3.0, ""),
        ("film.mp4", "car", 0.0, 0.2, ""),
    ]


def test_the_values_of_an_attribute_may_be_the_classes(write: Write, film: Path) -> None:
    shapes = (
        box(2, action="walk"),
        box(3, action="walk"),
        box(5, action="run"),
        box(11),
        box(12, action="run"),
    )
    path = write("annotations.xml", document(track("person", *shapes), attributes=ATTRIBUTE))
    with pytest.raises(
        InvalidInput, match=r"only the label 'person': name the attribute .*\.xml:action' \('action'\)"
    ):
        rows_of(str(path), film.parent)
    rows, _ = rows_of(f"{path}:action", film.parent)
    assert rows == [
        ("film.mp4", "walk", 0.2, 0.5, ""),
        ("film.mp4", "run", 0.5, 1.5, ""),
        ("film.mp4", "run", 2.0, 2.5, ""),
    ]
    with pytest.raises(InvalidInput, match="no label has an attribute 'mood'; it has action"):
        rows_of(f"{path}:mood", film.parent)


def test_frames_with_tags_in_a_row_are_a_moment(write: Write, film: Path) -> None:
    """Only every second frame is annotated, and two tags on the same frames are two classes of one moment."""
    images = "".join(
        f'<image id="{place}" name="frame_{frame:06}" width="160" height="64">{tags}</image>'
        for place, (frame, tags) in enumerate(
            [
                (0, '<tag label="car" source="manual"></tag>'),
                (2, '<tag label="car"></tag>'),
                (4, ""),
                (6, '<tag label="person"/><tag label="car"/>'),
                (8, '<tag label="person"/><tag label="car"/>'),
                (18, '<tag label="person"/>'),
            ]
        )
    )
    rows, _ = rows_of(str(write("annotations.xml", document(images, step="step=2"))), film.parent)
    assert rows == [
        ("film.mp4", "car", 0.0, 0.4, ""),
        ("film.mp4", "car+person", 0.6, 1.0, ""),
        ("film.mp4", "person", 5.0, float("inf"), ""),
    ]


def test_skeletons_are_outside_with_all_their_points(write: Write, film: Path) -> None:
    def skeleton(frame: int, outside: str) -> str:
        points = "".join(f'<points label="{each}" outside="{flag}"/>' for each, flag in enumerate(outside))
        return f'<skeleton frame="{frame}" keyframe="1">{points}</skeleton>'

    body = track("person", skeleton(0, "00"), skeleton(3, "01"), skeleton(4, "11")) + track(
        "car", box(0), box(1)
    )
    rows, _ = rows_of(str(write("annotations.xml", document(body))), film.parent)
    assert rows[0] == ("film.mp4", "person", 0.0, 0.4, "")


def test_the_subset_of_a_task_is_the_split_and_absent_films_are_missing(write: Write) -> None:
    path = write(
        "annotations.xml", document(track("person", box(2)) + track("car", box(1)), subset="Validation")
    )
    videos = read_own_splits(DataSource(str(path)))
    assert (videos.missing, videos.all_videos()) == (("film.mp4",), ())
    write("film.mp4", "not a film")
    with pytest.raises(InvalidInput, match="left out 2 runs of frames of a video that cannot be read"):
        rows_of(str(path))


def test_splits_follow_subsets(write: Write, film: Path) -> None:
    path = write(
        "annotations.xml", document(track("person", box(2)) + track("car", box(1)), subset="Validation")
    )
    videos = read_own_splits(DataSource(str(path), root=film.parent))
    assert (len(videos.train), len(videos.val)) == (0, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (document("").replace("<source>film.mp4</source>", ""), "names no video"),
        (document("").replace("</task>", "</task><task><id>6</id></task>"), "holds 2 tasks of CVAT"),
        ("<annotations>" + track("person", box(1)) + "</annotations>", "lacks the element meta"),
        (document(track("car", box(1).replace('"1"', '"one"', 1))), "'one' is not the number of a frame"),
        (document(track("car", box(1)))[:-30], "is not well-formed XML"),
        (document(""), "has no labeled moment"),
    ],
)
def test_other_files_are_refused(write: Write, film: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        rows_of(str(write("annotations.xml", text)), film.parent)
