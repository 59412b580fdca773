"""Lists for editors, read back by OpenTimelineIO, which editors and their scripts use."""

import json
import sys
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlparse

import opentimelineio as otio
import pytest

from tests.frame_folders import write_frames
from tests.made_videos import Sound, noise, numbered_frames, recordings_joined, write_video
from vifi_cli.api.cut.plan import CutOutputs
from vifi_cli.errors import InvalidInput, MissingDependency
from vifi_cli.video.edit_lists.edit_list import write_edit_list
from vifi_cli.video.export.probe import ProbedMoment, VideoFacts, video_facts
from vifi_cli.video.moment import Moment

NTSC = Fraction(30000, 1001)


def listed(
    start: float,
    end: float,
    rate: Fraction = NTSC,
    *,
    name: str = "/videos/trip to the sea.mp4",
    timecode: str | None = None,
    sound: bool = True,
) -> ProbedMoment:
    facts = VideoFacts(3600.0, rate, 1080, 1920, sound, timecode)
    return ProbedMoment(Moment(Path(name), start, end, score=0.231), facts)


def read(path: Path) -> otio.schema.Timeline:
    timeline = otio.adapters.read_from_file(str(path))
    assert isinstance(timeline, otio.schema.Timeline)
    return timeline


def ranges(timeline: otio.schema.Timeline, kind: str = "Video") -> list[tuple[float, float, float]]:
    """First frame, number of frames and rate of each clip of a track."""
    track = next(track for track in timeline.tracks if track.kind == kind)
    clips = [item.source_range for item in track]
    return [(clip.start_time.value, clip.duration.value, clip.start_time.rate) for clip in clips]


def test_an_edl_tells_source_and_record_in_drop_frame_timecode(tmp_path: Path) -> None:
    path = tmp_path / "cuts.edl"
    frame = 1001 / 30000
    moments = [listed(1800 * frame, 1830 * frame), listed(0, 2 * frame, sound=False)]
    assert write_edit_list(path, "a dog", moments) == ()
    assert path.read_text().splitlines() == [
        "TITLE: a dog",
        "FCM: DROP FRAME",
        "",
        "001  AX       B     C        00:01:00;02 00:01:01;02 01:00:00;00 01:00:01;00",
        "* FROM CLIP NAME: trip to the sea.mp4",
        "* FROM CLIP: file:///videos/trip%20to%20the%20sea.mp4",
        "* COMMENT: score 0.2310",
        "",
        "002  AX       V     C        00:00:00;00 00:00:00;02 01:00:01;00 01:00:01;02",
        "* FROM CLIP NAME: trip to the sea.mp4",
        "* FROM CLIP: file:///videos/trip%20to%20the%20sea.mp4",
        "* COMMENT: score 0.2310",
    ]


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(24000, 1001), Fraction(60)])
def test_an_edl_is_read_by_opentimelineio(tmp_path: Path, rate: Fraction) -> None:
    moments = [
        listed(float(a / rate), float(b / rate), rate) for a, b in ((250, 500), (7, 8), (90_000, 90_100))
    ]
    path = tmp_path / "cuts.edl"
    write_edit_list(path, "moments", moments)
    timeline = otio.adapters.read_from_string(path.read_text(), "cmx_3600", rate=float(rate))
    assert [(start, length) for start, length, _ in ranges(timeline)] == [(250, 250), (7, 1), (90_000, 100)]
    clip = next(iter(timeline.tracks[0]))
    assert clip.name == "trip to the sea.mp4"
    assert clip.media_reference.target_url == "file:///videos/trip%20to%20the%20sea.mp4"


def test_the_cameras_own_timecode_is_counted_on(tmp_path: Path) -> None:
    path = tmp_path / "cuts.edl"
    write_edit_list(path, "moments", [listed(1.0, 2.0, Fraction(25), timecode="10:20:30:24")])
    assert "10:20:31:24 10:20:32:24 01:00:00:00 01:00:01:00" in path.read_text()
    write_edit_list(path, "moments", [listed(0.0, 1001 / 30000, timecode="09:59:59:29")])
    assert "FCM: NON-DROP FRAME" in path.read_text()
    assert "09:59:59:29 10:00:00:00" in path.read_text()


def test_an_edl_says_where_rates_differ(tmp_path: Path) -> None:
    moments = [
        listed(0, 1, Fraction(25)),
        listed(0, 1, Fraction(25)),
        listed(0, 1, Fraction(50), name="/fast.mp4"),
    ]
    (remark,) = write_edit_list(tmp_path / "cuts.edl", "moments", moments)
    assert remark.startswith("an EDL has one frame rate, here 25: fast.mp4 runs at 50")
    assert "00:00:00:00 00:00:01:00 01:00:02:00 01:00:03:00" in (tmp_path / "cuts.edl").read_text()
    (remark,) = write_edit_list(tmp_path / "cuts.edl", "moments", [listed(0, 1, Fraction(12))])
    assert "here 30: trip to the sea.mp4 runs at 12" in remark
    assert write_edit_list(tmp_path / "cuts.otio", "moments", moments) == ()


def test_drop_frame_and_non_drop_frame_events_say_so(tmp_path: Path) -> None:
    drop, other = listed(0, 1, name="/drop.mp4"), listed(0, 1, name="/other.mp4", timecode="01:00:00:00")
    (remark,) = write_edit_list(tmp_path / "cuts.edl", "moments", [drop, other, other, drop])
    assert remark.startswith("drop.mp4 counts in drop frame and other.mp4 in non-drop frame")
    lines = (tmp_path / "cuts.edl").read_text().splitlines()
    said = [line for line in lines if line.startswith(("FCM", "00"))]
    assert [line[:20] for line in said] == [
        "FCM: DROP FRAME",
        "001  AX       B     ",
        "FCM: NON-DROP FRAME",
        "002  AX       B     ",
        "003  AX       B     ",
        "FCM: DROP FRAME",
        "004  AX       B     ",
    ]
    assert " 00:00:00;00 " in said[1]
    assert " 01:00:00:00 " in said[3]
    assert write_edit_list(tmp_path / "cuts.edl", "moments", [drop, drop]) == ()


def test_timecode_begins_again_after_a_day(tmp_path: Path) -> None:
    late = listed(1.0, 3.0, Fraction(25), timecode="23:59:58:00")
    write_edit_list(tmp_path / "cuts.edl", "moments", [late])
    assert "23:59:59:00 00:00:01:00" in (tmp_path / "cuts.edl").read_text()
    late = listed(0.0, 4 * 1001 / 1000, timecode="23:59:58;00")
    write_edit_list(tmp_path / "cuts.edl", "moments", [late])
    assert "23:59:58;00 00:00:02;00" in (tmp_path / "cuts.edl").read_text()


def test_an_edl_has_room_for_999(tmp_path: Path) -> None:
    write_edit_list(tmp_path / "cuts.edl", "moments", [listed(0, 1)] * 999)
    with pytest.raises(InvalidInput, match=r"999 moments, not 1,000: make an \.otio instead"):
        write_edit_list(tmp_path / "more.edl", "moments", [listed(0, 1)] * 1000)
    assert not (tmp_path / "more.edl").exists()


def test_a_timeline_has_each_videos_own_rate_place_and_length(tmp_path: Path) -> None:
    moments = [
        listed(10.0, 12.0, Fraction(25), timecode="01:00:00:00"),
        listed(10.0, 12.0, Fraction(25)),
        listed(3.0, 4.5, Fraction(12), name="/silent.mkv", sound=False),
    ]
    path = tmp_path / "cuts.otio"
    write_edit_list(path, "a dog", moments)
    timeline = read(path)
    assert timeline.name == "a dog"
    assert timeline.global_start_time == otio.opentime.RationalTime(90_000, 25)
    assert ranges(timeline) == [(90_250, 50, 25), (250, 50, 25), (36, 18, 12)]
    assert ranges(timeline, "Audio")[:2] == ranges(timeline)[:2]
    sounding = [type(item) for item in timeline.tracks[1]]
    assert sounding == [otio.schema.Clip, otio.schema.Clip, otio.schema.Gap]
    clip = timeline.tracks[0][0]
    assert clip.media_reference.target_url == "file:///videos/trip%20to%20the%20sea.mp4"
    assert clip.available_range() == otio.opentime.TimeRange(
        otio.opentime.RationalTime(90_000, 25), otio.opentime.RationalTime(90_000, 25)
    )
    assert clip.metadata["vifi"]["note"] == "score 0.2310"
    assert timeline.duration().to_seconds() == pytest.approx(5.5)


def test_a_timeline_comes_back_from_its_own_library_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "cuts.otio"
    write_edit_list(path, "a dog", [listed(1.0, 2.0), listed(3.0, 4.0, sound=False)])

    def essence(value: object) -> object:
        """Without the library's defaults."""
        if isinstance(value, dict):
            return {key: essence(part) for key, part in value.items() if part not in (None, [], {}, True, "")}
        return [essence(part) for part in value] if isinstance(value, list) else value

    again = json.loads(read(path).to_json_string())
    assert essence(again) == essence(json.loads(path.read_text()))


def test_a_playlist_begins_and_ends_with_the_moment(tmp_path: Path) -> None:
    path = tmp_path / "cuts.m3u8"
    write_edit_list(path, "a dog", [listed(80.0, 88.5)])
    assert path.read_text().splitlines() == [
        "#EXTM3U",
        "#PLAYLIST:a dog",
        "#EXTINF:8.500,trip to the sea.mp4",
        "#EXTVLCOPT:start-time=80.000",
        "#EXTVLCOPT:stop-time=88.500",
        "file:///videos/trip%20to%20the%20sea.mp4",
    ]


@pytest.mark.parametrize("suffix", [".edl", ".otio", ".m3u8"])
def test_no_name_can_break_a_list(tmp_path: Path, suffix: str) -> None:
    evil = b'/videos/x\n* FROM CLIP: "</script>\xff\t#EXTINF:0,\\.mp4'
    name = evil.decode("utf-8", "surrogateescape")
    path = tmp_path / f"cuts{suffix}"
    write_edit_list(path, "two\nlines", [listed(1.0, 2.0, name=name)])
    plain = tmp_path / f"plain{suffix}"
    write_edit_list(plain, "two lines", [listed(1.0, 2.0)])
    assert len(path.read_text("utf-8").splitlines()) == len(plain.read_text().splitlines())
    if suffix == ".otio":
        url = read(path).tracks[0][0].media_reference.target_url
        assert unquote_to_bytes(urlparse(url).path) == evil


def test_a_name_without_a_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"cuts\.xml is not a kind of list: end its name with \.edl"):
        write_edit_list(tmp_path / "cuts.xml", "moments", [listed(0, 1)])


def test_a_missing_extra_is_named_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentimelineio", None)
    with pytest.raises(
        MissingDependency, match=r"cuts\.otio needs opentimelineio: run `pip install 'vifi\[lists\]'"
    ):
        CutOutputs(lists=["reel.edl", "cuts.otio"])
    write_edit_list(tmp_path / "cuts.edl", "moments", [listed(0, 1)])


def test_facts_are_those_of_the_file(tmp_path: Path) -> None:
    path = write_video(
        tmp_path / "phone.mkv", numbered_frames(45), fps=30000 / 1001, rotation=90, sound=Sound(noise(1))
    )
    facts = video_facts(path)
    assert facts.duration_seconds == pytest.approx(1.5, abs=0.03)
    assert facts == VideoFacts(facts.duration_seconds, NTSC, 160, 64, has_sound=True)


def test_players_count_from_the_first_sound(tmp_path: Path) -> None:
    video = write_video(
        tmp_path / "late.mkv", numbered_frames(40), start_seconds=3.0, sound=Sound(noise(7.0)), fps=10
    )
    facts = video_facts(video)
    assert facts.lead_seconds == pytest.approx(3.0, abs=0.03)
    write_edit_list(tmp_path / "hits.m3u8", "Hits", [ProbedMoment(Moment(video, 1.0, 2.0), facts)])
    lines = (tmp_path / "hits.m3u8").read_text().splitlines()
    start = next(float(line.partition("start-time=")[2]) for line in lines if "start-time=" in line)
    assert start == pytest.approx(4.0, abs=0.03)


def test_lists_warn_of_videos_whose_own_times_are_set_back(tmp_path: Path) -> None:
    joined = recordings_joined(tmp_path)
    probed = ProbedMoment(Moment(joined, 1.0, 2.0), video_facts(joined))
    (remark,) = write_edit_list(tmp_path / "hits.m3u8", "Hits", [probed])
    assert remark.startswith("joined.ts: its own times are set back or leap")


def test_lists_warn_of_videos_that_other_programs_cannot_open(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "v_1", numbered_frames(30))
    probed = ProbedMoment(Moment(folder, 0.0, 1.0), video_facts(folder))
    (remark,) = write_edit_list(tmp_path / "hits.m3u8", "Hits", [probed])
    assert remark.startswith(
        "1 video is in tar files or folders of frames, which editors and players do not open"
    )
    assert write_edit_list(tmp_path / "hits.csv", "Hits", [probed]) == ()
