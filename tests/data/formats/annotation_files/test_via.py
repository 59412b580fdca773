"""Projects of VIA 3 and the tables that it exports."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.data.formats.annotation_files.conftest import rows_of
from vifi_cli.errors import InvalidInput

Write = Callable[[str, str], Path]
ACTION = {
    "aname": "Action",
    "anchor_id": "FILE1_Z2_XY0",
    "type": 4,
    "desc": "",
    "options": {"0": "run", "1": "walk"},
}
PLACE = {
    "aname": "Place",
    "anchor_id": "FILE1_Z2_XY0",
    "type": 1,
    "desc": "",
    "options": {},
    "default_option_id": "",
}
MOODS = {
    "aname": "Mood",
    "anchor_id": "FILE1_Z2_XY0",
    "type": 2,
    "desc": "",
    "options": {"0": "calm", "1": "glad"},
}


def project(attributes: dict[str, Any], **metadata: dict[str, Any]) -> str:
    return json.dumps(
        {
            "project": {"pid": "__VIA_PROJECT_ID__", "data_format_version": "3.1.1", "vid_list": ["1", "2"]},
            "config": {"file": {"loc_prefix": {"1": "", "2": "", "3": "", "4": ""}}},
            "attribute": attributes,
            "file": {
                "1": {"fid": "1", "fname": "a.mp4", "type": 4, "loc": 1, "src": ""},
                "2": {"fid": "2", "fname": "b.mp4", "type": 4, "loc": 2, "src": "https://x.org/v/b%20c.mp4"},
            },
            "metadata": metadata,
            "view": {"1": {"fid_list": ["1"]}, "2": {"fid_list": ["2"]}},
        }
    )


def entry(view: str, times: list[float], **values: str) -> dict[str, Any]:
    return {
        "vid": view,
        "flg": 0,
        "z": times,
        "xy": [],
        "av": {key[1:]: value for key, value in values.items()},
    }


@pytest.fixture(autouse=True)
def videos(write: Write) -> None:
    for name in ("a.mp4", "deep/b c.mp4"):
        write(name, name)


def test_a_project_gives_segments_and_labels_of_complete_files(write: Write) -> None:
    text = project(
        {"1": ACTION},
        m1=entry("1", [1.349, 2.741], _1="0"),
        m2=entry("2", [0.0, 1.5], _1="walk"),  # some versions of the tool write the option itself
        m3=entry("2", [], _1="1"),
        m4=entry("1", [4.633], _1="1"),
        m5=entry("1", [5, 6], _1="_DEFAULT"),
        m6=entry("1", [6, 7]),
    )
    rows, remarks = rows_of(str(write("via_project.json", text)))
    whole = ("b c.mp4", "walk", 0.0, float("inf"), "")
    assert rows == [("a.mp4", "run", 1.349, 2.741, ""), ("b c.mp4", "walk", 0.0, 1.5, ""), whole]
    assert "left out 1 annotation of a single frame" in remarks
    assert "left out 2 annotations without a label" in remarks


def test_one_of_several_attributes_must_be_chosen(write: Write) -> None:
    attributes = {"1": ACTION, "2": PLACE, "3": MOODS}
    text = project(
        attributes, m1=entry("1", [1, 2], _1="0", _2="roof", _3="0,1"), m2=entry("1", [2, 3], _3="1")
    )
    path = write("via.json", text)
    with pytest.raises(
        InvalidInput, match=r"several attributes: name one as in .*\('Action', 'Place', 'Mood'\)"
    ):
        rows_of(str(path))
    assert [row[:4] for row in rows_of(f"{path}:Place")[0]] == [("a.mp4", "roof", 1, 2)]
    assert [row[1:4] for row in rows_of(f"{path}:Mood")[0]] == [("calm+glad", 1, 2), ("glad", 2, 3)]


HEADER = """# Exported using VGG Image Annotator (http://www.robots.ox.ac.uk/~vgg/software/via)
# Notes:
# - temporal coordinate of [1.349,2.741] denotes a temporal segment from time 1.346 sec. to 2.741 sec.
# FLAG_ID = {"RESERVED_FOR_FUTURE":1}
"""
FULL = f"""{HEADER}# ATTRIBUTE = {json.dumps({"1": ACTION, "2": PLACE})}
# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata
"1_j5sJvB9h","[""a.mp4""]",0,"[1.124,5.31493]","[]","{{""1"":""0"",""2"":""_DEFAULT""}}"
"1_x","[""https://x.org/v/b%20c.mp4""]",0,"[0,1]","[]","{{""1"":""1""}}"
"1_y","[""a.mp4""]",0,"[4.633]","[2,10,20,50,80]","{{""1"":""1""}}"
"""
SEGMENTS = """# Exported using VGG Image Annotator (http://www.robots.ox.ac.uk/~vgg/software/via)
# CSV_HEADER = metadata_id,file_list,temporal_segment_start,temporal_segment_end,metadata
"1_a","[""a.mp4""]",1.5,3,"{""TEMPORAL-SEGMENTS"":""run, fast""}"
"1_b","[""a.mp4""]",4.5,,"{""TEMPORAL-SEGMENTS"":""run""}"
"1_c","[""a.mp4""]",7,9.25,"{""TEMPORAL-SEGMENTS"":""walk""}"
"""


def test_both_kinds_of_exported_tables(write: Write) -> None:
    rows, remarks = rows_of(str(write("full.csv", FULL)))
    assert rows == [("a.mp4", "run", 1.124, 5.31493, ""), ("b c.mp4", "walk", 0.0, 1.0, "")]
    assert "left out 1 annotation of a single frame" in remarks
    rows, _ = rows_of(str(write("segments.csv", SEGMENTS)))
    assert rows == [("a.mp4", "run, fast", 1.5, 3.0, ""), ("a.mp4", "walk", 7.0, 9.25, "")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"_via_settings": {}, "_via_img_metadata": {}, "_via_attributes": {}}',
            "is of VIA 2, which annotates pictures",
        ),
        (project({"1": ACTION}, m1=entry("3", [1, 2], _1="0")), "metadata m1, its view is not an object"),
        (project({"1": ACTION}, m1=entry("1", [1, 2, 3], _1="0")), "metadata m1 has 3 times"),
        (project({"1": ACTION}, m1=entry("1", ["x", 2], _1="0")), "metadata m1: 'x' is not a time"),  # type: ignore[list-item]
        (project({"1": ACTION}), "has no attribute with labeled moments"),
        (
            '{"images": [], "annotations": []}',
            r"is not an annotation file that vifi knows: it reads those of BORIS",
        ),
    ],
)
def test_other_projects_are_refused(write: Write, text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        rows_of(str(write("via.json", text)))


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"[1.124,5.31493]"', '"[1.124,5.31493"', "line 7: '.1.124,5.31493' is not JSON"),
        (',0,"[0,1]"', ',"[0,1]"', "line 8 has 5 cells, the header 6"),
        ('"[""a.mp4""]",0,"[4', '"[]",0,"[4', "line 9 names no file"),
    ],
)
def test_damaged_tables_are_refused_with_the_line(
    write: Write, before: str, after: str, message: str
) -> None:
    assert before in FULL
    with pytest.raises(InvalidInput, match=message):
        rows_of(str(write("full.csv", FULL.replace(before, after))))
