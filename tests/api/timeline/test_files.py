"""Files of timelines, which other programs and our own readers open."""

import csv
import json
import logging
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from tests.data.formats.annotation_files.conftest import rows_of
from tests.made_videos import Sound, noise, solid_picture, write_video
from vifi_cli import write_timelines
from vifi_cli.api.timeline.timeline import Occurrence, VideoTimeline
from vifi_cli.errors import InvalidInput

LABELS = ("walk", "a | b", "駆ける", "never")


def timeline(path: Path) -> VideoTimeline:
    occurrences = (
        Occurrence("walk", 0.0, 4.0, 0.91234, 0.4),
        Occurrence("a | b", 2.0, 5.5, None, 0.3),
        Occurrence("walk", 6.0, 8.25, 0.5, 0.35),
        Occurrence("駆ける", 8.0, 10.0, 0.75, 0.3),
    )
    return VideoTimeline(path, 10.0, LABELS, occurrences, "starter")


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Ten seconds, whose sound begins three seconds before the picture."""
    return write_video(
        tmp_path / "my film.mp4",
        [solid_picture("red")] * 20,
        fps=2.0,
        start_seconds=3.0,
        sound=Sound(noise(5.0)),
    )


def test_a_table_has_what_a_researcher_expects(tmp_path: Path) -> None:
    path = Path("/videos/a, b.mp4")
    write_timelines(timeline(path), tmp_path / "out.csv", tmp_path / "out.TSV")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {
        "video": str(path),
        "label": "walk",
        "start": "0.000",
        "end": "4.000",
        "duration": "4.000",
        "relevance": "0.9123",
    }
    assert [row["relevance"] for row in rows] == ["0.9123", "", "0.5000", "0.7500"]
    assert (tmp_path / "out.TSV").read_text(encoding="utf-8").splitlines()[2].split("\t")[1] == "a | b"


def test_a_summary_has_a_row_for_each_label_of_each_video(tmp_path: Path) -> None:
    both = [timeline(Path("/v/a.mp4")), replace(timeline(Path("/v/b.mp4")), occurrences=())]
    write_timelines(both, tmp_path / "out.csv", summary=True)
    lines = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert lines[:3] == [
        "video,label,count,total,share,mean",
        "/v/a.mp4,walk,2,6.250,0.6250,3.125",
        "/v/a.mp4,a | b,1,3.500,0.3500,3.500",
    ]
    assert lines[8] == "/v/b.mp4,never,0,0.000,0.0000,"
    assert len(lines) == 9


def test_json_has_the_occurrences_and_the_budget(tmp_path: Path) -> None:
    write_timelines([timeline(Path("/v/a.mp4"))], tmp_path / "out.json")
    document = json.loads((tmp_path / "out.json").read_text())
    assert document["model"] == "starter"
    assert document["labels"] == list(LABELS)
    (video,) = document["videos"]
    assert video["occurrences"][1] == {
        "label": "a | b",
        "start_seconds": 2.0,
        "end_seconds": 5.5,
        "relevance": None,
        "cosine": 0.3,
    }
    assert video["budget"][3] == {
        "label": "never", "count": 0, "total_seconds": 0, "share": 0, "mean_seconds": None,
    }  # fmt: skip
    assert document["budget"][0]["videos"] == 1


def test_boris_gets_state_events_on_the_clock_of_players(film: Path, tmp_path: Path) -> None:
    write_timelines(timeline(film), tmp_path / "study.boris")
    project = json.loads((tmp_path / "study.boris").read_text())
    codes = [behavior["code"] for behavior in project["behaviors_conf"].values()]
    assert codes == ["walk", "a / b", "駆ける", "never"]
    assert {behavior["type"] for behavior in project["behaviors_conf"].values()} == {"State event"}
    ((name, observation),) = project["observations"].items()
    assert name == "my film.mp4"
    info = observation["media_info"]
    assert info["fps"] == {str(film): 2.0}
    assert info["hasAudio"] == {str(film): True}
    assert info["length"][str(film)] == pytest.approx(13, abs=0.1)
    first = observation["events"][0]
    assert first[0] == pytest.approx(3, abs=0.05)
    assert first[1:5] == ["", "walk", "", "relevance 0.91"]
    assert [event[0] for event in observation["events"]] == sorted(
        event[0] for event in observation["events"]
    )


def test_our_own_reader_finds_the_same_moments_in_a_boris_project(tmp_path: Path) -> None:
    film = write_video(tmp_path / "a.mp4", [solid_picture("red")] * 20, fps=2.0)
    write_timelines(timeline(film), tmp_path / "study.boris")
    rows, remarks = rows_of(str(tmp_path / "study.boris"))
    assert rows == [
        ("a.mp4", "walk", 0.0, 4.0, ""),
        ("a.mp4", "a / b", 2.0, 5.5, ""),
        ("a.mp4", "walk", 6.0, 8.25, ""),
        ("a.mp4", "駆ける", 8.0, 10.0, ""),
    ]
    assert not [remark for remark in remarks if "left out" in remark]


def test_elan_gets_a_tier_for_each_label(film: Path, tmp_path: Path) -> None:
    write_timelines(timeline(film), tmp_path / "film.eaf")
    root = ElementTree.parse(tmp_path / "film.eaf").getroot()
    assert [child.tag for child in root] == ["HEADER", "TIME_ORDER", *["TIER"] * 4, "LINGUISTIC_TYPE"]
    media = root.find("HEADER/MEDIA_DESCRIPTOR")
    assert media is not None
    assert media.attrib == {
        "MEDIA_URL": film.as_uri(),
        "MIME_TYPE": "video/mp4",
        "RELATIVE_MEDIA_URL": "./my film.mp4",
    }
    slots = {slot.get("TIME_SLOT_ID"): int(slot.get("TIME_VALUE", "")) for slot in root.iter("TIME_SLOT")}
    assert list(slots.values()) == sorted(slots.values())
    assert len(slots) == 8, "each annotation has slots of its own"
    tiers = {tier.get("TIER_ID"): tier for tier in root.iter("TIER")}
    assert list(tiers) == ["walk", "a | b", "駆ける", "never"]
    spans = [
        (slots[each.get("TIME_SLOT_REF1")], slots[each.get("TIME_SLOT_REF2")])
        for each in tiers["walk"].iter("ALIGNABLE_ANNOTATION")
    ]
    lead = spans[0][0]
    assert lead == pytest.approx(3000, abs=50), "the sound begins three seconds earlier"
    assert spans == [(lead, lead + 4000), (lead + 6000, lead + 8250)]
    assert {element.text for element in tiers["walk"].iter("ANNOTATION_VALUE")} == {"walk"}
    identifiers = [element.get("ANNOTATION_ID") for element in root.iter("ALIGNABLE_ANNOTATION")]
    assert len(set(identifiers)) == 4


def test_our_own_reader_finds_the_same_moments_in_elan_by_tier_or_all(tmp_path: Path) -> None:
    film = write_video(tmp_path / "a.mp4", [solid_picture("red")] * 20, fps=2.0)
    write_timelines(timeline(film), tmp_path / "a.eaf")
    rows = sorted(rows_of(f"{tmp_path / 'a.eaf'}:vifi")[0], key=lambda row: row[2])
    assert rows == [
        ("a.mp4", "walk", 0.0, 4.0, ""),
        ("a.mp4", "a | b", 2.0, 5.5, ""),
        ("a.mp4", "walk", 6.0, 8.25, ""),
        ("a.mp4", "駆ける", 8.0, 10.0, ""),
    ]
    assert rows_of(f"{tmp_path / 'a.eaf'}:walk")[0] == [rows[0], rows[2]]


def test_a_video_that_is_away_keeps_its_own_times(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    both = [timeline(tmp_path / "a" / "x.mp4"), timeline(tmp_path / "b" / "x.mp4")]
    write_timelines(both, tmp_path / "study.boris")
    observations = json.loads((tmp_path / "study.boris").read_text())["observations"]
    assert list(observations) == ["x.mp4", "x.mp4 2"]
    assert observations["x.mp4"]["media_info"]["fps"] == {}
    assert observations["x.mp4 2"]["events"][0] == [0.0, "", "walk", "", "relevance 0.91", "NA"]
    assert "times count from the first picture" in caplog.text


def test_a_picture_has_a_lane_for_each_label(tmp_path: Path) -> None:
    write_timelines(timeline(Path("/v/a.mp4")), tmp_path / "a.png", tmp_path / "a.svg")
    shown = Image.open(BytesIO((tmp_path / "a.png").read_bytes())).convert("RGB")
    assert shown.width > 1000
    colors = {color for _, color in shown.getcolors(1 << 20) or []}
    assert {(0, 114, 178), (213, 94, 0), (0, 158, 115)} <= colors, "the first three lanes"
    assert (204, 121, 167) not in colors, "the fourth has nothing"
    assert (tmp_path / "a.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_each_video_can_have_a_file_of_its_own(tmp_path: Path) -> None:
    both = [timeline(Path("/v/a.mp4")), timeline(Path("/v/b.mp4"))]
    with pytest.raises(InvalidInput, match=r"holds one video, and there are 2: put \{name\} into its path"):
        write_timelines(both, tmp_path / "all.eaf")
    assert write_timelines(both, tmp_path / "{name}" / "out.tsv")[1] == tmp_path / "b" / "out.tsv"
    written = write_timelines(both, tmp_path / "new" / "{name}.csv")
    assert written == [tmp_path / "new" / "a.csv", tmp_path / "new" / "b.csv"]
    assert "/v/b.mp4" not in written[0].read_text(encoding="utf-8")
    alike = [timeline(Path("/v/a.mp4")), timeline(Path("/w/a.mp4"))]
    with pytest.raises(InvalidInput, match=r"several of the videos would be written to .*a.eaf"):
        write_timelines(alike, tmp_path / "{name}.eaf")


def test_nothing_is_lost(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("corrected by hand")
    one = timeline(Path("/v/a.mp4"))
    with pytest.raises(InvalidInput, match="already exists: choose another place, or add --overwrite"):
        write_timelines(one, tmp_path / "other.csv", target)
    assert target.read_text() == "corrected by hand"
    assert not (tmp_path / "other.csv").exists()
    write_timelines(one, target, overwrite=True)
    assert target.read_text(encoding="utf-8").startswith("video,label")
    for bad, said in (
        ("out.txt", "has no known form: end its name with .csv"),
        ("out.csv", "would be written twice"),
    ):
        with pytest.raises(InvalidInput, match=said):
            write_timelines(one, target, tmp_path / bad, overwrite=True)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InvalidInput, match="is a folder"):
        write_timelines(one, tmp_path / "folder.csv", overwrite=True)
    with pytest.raises(InvalidInput, match="is one of the videos"):
        write_timelines(timeline(target), target, overwrite=True)
