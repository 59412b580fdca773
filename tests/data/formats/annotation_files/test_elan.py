"""Annotation files of ELAN as the tool writes them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.data.formats.annotation_files.conftest import rows_of
from vifi_cli.data.loading import read_own_splits
from vifi_cli.data.source import DataSource
from vifi_cli.errors import InvalidInput

Write = Callable[[str, str], Path]

DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2021-07-07T18:23:20+12:00" FORMAT="3.0" VERSION="3.0"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">
    <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
        <MEDIA_DESCRIPTOR MEDIA_URL="file:///C:/Users/Ann%20B/s1.wav" MIME_TYPE="audio/x-wav"
            RELATIVE_MEDIA_URL="./s1.wav"/>
        <MEDIA_DESCRIPTOR MEDIA_URL="file:///C:/Users/Ann%20B/s%201.mp4" MIME_TYPE="video/mp4"/>
        <PROPERTY NAME="lastUsedAnnotationId">20</PROPERTY>
    </HEADER>
    <TIME_ORDER>
        <TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="0"/>
        <TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="1500"/>
        <TIME_SLOT TIME_SLOT_ID="ts3"/>
        <TIME_SLOT TIME_SLOT_ID="ts4" TIME_VALUE="4250"/>
    </TIME_ORDER>
    {tiers}
    <LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="action" TIME_ALIGNABLE="true"/>
    <LINGUISTIC_TYPE CONSTRAINTS="Symbolic_Association" GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="note"
        TIME_ALIGNABLE="false"/>
    <LINGUISTIC_TYPE CONSTRAINTS="Symbolic_Subdivision" GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="word"
        TIME_ALIGNABLE="false"/>
</ANNOTATION_DOCUMENT>
"""


def aligned(number: int, start: int, end: int, value: str) -> str:
    return (
        f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{number}" TIME_SLOT_REF1="ts{start}" '
        f'TIME_SLOT_REF2="ts{end}"><ANNOTATION_VALUE>{value}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>'
    )


def referring(number: int, above: int, value: str) -> str:
    return (
        f'<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a{number}" ANNOTATION_REF="a{above}">'
        f"<ANNOTATION_VALUE>{value}</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>"
    )


def tier(name: str, annotations: str, kind: str = "action", **attributes: str) -> str:
    more = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f'<TIER LINGUISTIC_TYPE_REF="{kind}" TIER_ID="{name}"{more}>{annotations}</TIER>'


ACTIONS = (
    aligned(1, 1, 2, "wave")
    + aligned(2, 2, 4, " sit down ")
    + aligned(3, 2, 3, "jump")
    + aligned(4, 1, 4, "")
)


def test_the_only_tier_with_moments_is_read(write: Write) -> None:
    write("video/s 1.mp4", "v")
    tiers = tier("Action", ACTIONS, PARTICIPANT="Ann") + tier("Empty", "")
    rows, remarks = rows_of(str(write("s1.eaf", DOCUMENT.format(tiers=tiers))))
    assert rows == [("s 1.mp4", "wave", 0.0, 1.5, "Ann"), ("s 1.mp4", "sit down", 1.5, 4.25, "Ann")]
    assert "left out 1 annotation without times" in remarks
    assert "left out 1 annotation without a label" in remarks


def test_one_of_several_tiers_must_be_chosen(write: Write) -> None:
    write("s 1.mp4", "v")
    tiers = tier("Action: A", ACTIONS, PARTICIPANT="A") + tier(
        "Action: B", aligned(9, 1, 4, "wave"), PARTICIPANT="B"
    )
    tiers += tier("Speech", aligned(10, 1, 4, "hello"), kind="utterance")
    path = write("s1.eaf", DOCUMENT.format(tiers=tiers))
    with pytest.raises(
        InvalidInput, match=r"several tiers: name one as in '.*s1\.eaf:Action: A' \('Action: A', 'Act"
    ):
        rows_of(str(path))
    assert [row[1] for row in rows_of(f"{path}:Speech")[0]] == ["hello"]
    assert rows_of(f"{path}:Action: B")[0] == [("s 1.mp4", "wave", 0.0, 4.25, "B")]
    rows, remarks = rows_of(f"{path}:action")
    assert len(rows) == 3, "all tiers of a type"
    assert {row[4] for row in rows} == {""}
    assert "several subjects are in one video: a video is a group, not a subject" in remarks
    with pytest.raises(InvalidInput, match=r"no tier 'Gesture' with labeled moments; it has 'Action: A'"):
        rows_of(f"{path}:Gesture")


def test_one_of_several_cameras_is_read(write: Write) -> None:
    """The first that is on disk; labels may have line breaks."""
    write("front.mp4", "v")
    cameras = "".join(
        f'<MEDIA_DESCRIPTOR MEDIA_URL="file:///D:/{name}.mp4" MIME_TYPE="video/mp4"/>'
        for name in ("side", "front")
    )
    text = DOCUMENT.replace(
        '<MEDIA_DESCRIPTOR MEDIA_URL="file:///C:/Users/Ann%20B/s%201.mp4" MIME_TYPE="video/mp4"/>', cameras
    )
    tiers = tier("Action", aligned(1, 1, 2, "sit\n  down"))
    rows, remarks = rows_of(str(write("s1.eaf", text.format(tiers=tiers))))
    assert rows == [("front.mp4", "sit down", 0.0, 1.5, "")]
    assert "left out 1 further video of a session" in remarks


def test_a_label_file_orders_the_classes_of_a_tier(write: Write) -> None:
    write("s 1.mp4", "v")
    labels = write("labels.csv", "id,name\n0,wave\n1,sit down\n")
    path = write(
        "s1.eaf", DOCUMENT.format(tiers=tier("Action, big", ACTIONS) + tier("B", aligned(9, 1, 2, "x")))
    )
    source = DataSource.parse(f"{path}:Action, big,{labels}")
    assert (source.layer, source.labels, str(source)) == (
        "Action, big",
        labels,
        f"{path}:Action, big,{labels}",
    )
    videos = read_own_splits(source)
    assert (videos.class_names, videos.name) == (("wave", "sit down"), f"{path}:Action, big")
    assert DataSource.parse(f"{path}:Action, big").layer == "Action, big"
    with pytest.raises(InvalidInput, match="has no class 'x'"):
        rows_of(f"{path}:B,{labels}")


def test_tiers_of_references_have_the_times_of_what_they_refer_to(write: Write) -> None:
    write("s 1.mp4", "v")
    notes = referring(11, 1, "fast") + referring(12, 2, "slow")
    details = referring(21, 11, "left hand")
    words = referring(31, 1, "one") + referring(32, 1, "two")
    circle = referring(41, 42, "x") + referring(42, 41, "y")
    tiers = tier("Detail", details, kind="note", PARENT_REF="Note") + tier("Action", ACTIONS)
    tiers += tier("Note", notes, kind="note", PARENT_REF="Action") + tier("Word", words, kind="word")
    path = write("s1.eaf", DOCUMENT.format(tiers=tiers + tier("Circle", circle, kind="note")))
    assert rows_of(f"{path}:Note")[0] == [
        ("s 1.mp4", "fast", 0.0, 1.5, ""),
        ("s 1.mp4", "slow", 1.5, 4.25, ""),
    ]
    assert rows_of(f"{path}:Detail")[0] == [("s 1.mp4", "left hand", 0.0, 1.5, "")]
    for name in ("Word", "Circle"):  # parts of a time that nobody knows, and no time at all
        with pytest.raises(InvalidInput, match=f"no tier '{name}' with labeled moments"):
            rows_of(f"{path}:{name}")


def test_annotations_may_count_from_a_later_time_of_the_video(write: Write) -> None:
    write("s 1.mp4", "v")
    text = DOCUMENT.replace('s%201.mp4" MIME', 's%201.mp4" TIME_ORIGIN="2500" MIME')
    rows, _ = rows_of(str(write("s1.eaf", text.format(tiers=tier("Action", aligned(1, 1, 2, "wave"))))))
    assert rows == [("s 1.mp4", "wave", 2.5, 4.0, "")]


def test_a_folder_of_sessions_is_one_data_set(write: Write) -> None:
    """ELAN has a file for each recording."""
    write("s 1.mp4", "v")
    write("s2.mp4", "w")
    write("s1.eaf", DOCUMENT.format(tiers=tier("Action", aligned(1, 1, 2, "wave"))))
    second = DOCUMENT.replace("s%201.mp4", "s2.mp4").format(tiers=tier("Action", aligned(1, 2, 4, "sit")))
    folder = write("s2.eaf", second).parent
    expected = [("s 1.mp4", "wave", 0.0, 1.5, ""), ("s2.mp4", "sit", 1.5, 4.25, "")]
    assert rows_of(str(folder))[0] == rows_of(f"{folder}:Action")[0] == expected
    write("s3.eaf", second.replace("sit", "").replace('TIER_ID="Action"', 'TIER_ID="Later"'))
    for source in (str(folder), f"{folder}:Action"):
        rows, remarks = rows_of(source)
        assert rows == expected
        assert remarks[-2:] == (
            f"the labels are from 3 annotation files in {folder}",
            "left out 1 annotation file without labels",
        )
    with pytest.raises(InvalidInput, match=r"s1\.eaf has no tier 'Gesture'"):
        rows_of(f"{folder}:Gesture")


def test_sessions_with_videos_of_one_name_need_their_folders(write: Write) -> None:
    write("two/cam.mp4", "v")
    for name, value in (("one", "wave"), ("two", "sit")):
        text = DOCUMENT.replace("C:/Users/Ann%20B/s%201.mp4", f"D:/study/{name}/cam.mp4")
        path = write(f"{name}.eaf", text.format(tiers=tier("Action", aligned(1, 1, 2, value))))
    videos = read_own_splits(DataSource(str(path.parent)))
    assert [video.path.parent.name for video in videos.train] == ["two"]
    assert videos.class_names[videos.train[0].label] == "sit"
    assert videos.missing == ("file:///D:/study/one/cam.mp4",)


BOMB = """<?xml version="1.0"?>
<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<ANNOTATION_DOCUMENT>&b;</ANNOTATION_DOCUMENT>"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "has a DOCTYPE"),
        (DOCUMENT.format(tiers="")[:700], "is not well-formed XML"),
        ("", "is not XML"),
        (
            DOCUMENT.format(tiers="").replace("ANNOTATION_DOCUMENT", "TRANSCRIPT"),
            "is not an annotation file that vifi",
        ),
        (DOCUMENT.format(tiers=""), "has no tier with labeled moments"),
        (DOCUMENT.format(tiers="").replace('"1500"', '"soon"'), "a time slot: 'soon' is not a time"),
        (DOCUMENT.format(tiers="").replace("milliseconds", "NTSC-frames"), "counts times in 'NTSC-frames'"),
        (
            DOCUMENT.format(tiers="").replace("video/mp4", "audio/wav").replace("mp4", "wav"),
            "names no video: link it",
        ),
    ],
)
def test_other_files_are_refused_with_the_reason(write: Write, text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        rows_of(str(write("s1.eaf", text)))


def test_sessions_in_folders_of_their_own_are_no_classes(write: Write) -> None:
    """Each session means the video beside it, whose name others share, and else one that is anywhere below."""
    for name, value in (("one", "wave"), ("two", "sit")):
        write(f"all/{name}/s 1.mp4", name)
        text = DOCUMENT.format(tiers=tier("Action", aligned(1, 1, 2, value)))
        write(f"all/{name}/notes.eaf", text)
    text = DOCUMENT.replace("s%201.mp4", "s3.mp4").format(tiers=tier("Action", aligned(1, 2, 4, "wave")))
    write("all/three/notes.eaf", text)
    folder = write("all/videos/s3.mp4", "3").parents[1]
    videos = read_own_splits(DataSource(str(folder)))
    assert sorted(
        (str(video.path.relative_to(folder)), videos.class_names[video.label], video.part.end_seconds)
        for video in videos.train
    ) == [("one/s 1.mp4", "wave", 1.5), ("two/s 1.mp4", "sit", 1.5), ("videos/s3.mp4", "wave", 4.25)]
    assert f"the labels are from 3 annotation files in {folder}" in videos.remarks


def test_a_file_of_elan_in_a_class_folder_does_not_label_the_others(write: Write) -> None:
    for number in range(3):
        for name in ("run", "walk"):
            path = write(f"{name}/{number}.mp4", name)
    write("run/notes.eaf", DOCUMENT.format(tiers=tier("Action", aligned(1, 1, 2, "wave"))))
    assert read_own_splits(DataSource(str(path.parents[1]))).class_names == ("run", "walk")
