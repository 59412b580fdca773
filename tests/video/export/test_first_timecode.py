"""Where a video's first frame gets its timecode from."""

from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.made_videos import numbered_frames, write_video
from vifi_cli.video.edit_lists.edit_list import write_edit_list
from vifi_cli.video.export.first_timecode import gop_timecode, smpte_timecode
from vifi_cli.video.export.probe import padded, video_facts
from vifi_cli.video.moment import Moment

SHARED = Path(__file__).parents[3].parent / "shared" / "videos" / "wild"


@pytest.mark.parametrize("place", ["file", "stream"])
@pytest.mark.parametrize(("name", "tag"), [("a.mkv", "TIMECODE"), ("a.mkv", "timecode")])
def test_a_tag_of_the_file_or_of_its_pictures_counts(tmp_path: Path, name: str, tag: str, place: str) -> None:
    plain = write_video(tmp_path / "plain.mp4", numbered_frames(20), fps=25.0)
    with av.open(plain) as given, av.open(tmp_path / name, "w") as output:
        stream = output.add_stream_from_template(given.streams.video[0])
        (output if place == "file" else stream).metadata[tag] = "10:20:30:12"
        for packet in given.demux(video=0):
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    facts = video_facts(tmp_path / name)
    assert facts.first_timecode == "10:20:30:12"
    listed = padded(Moment(tmp_path / name, 0.4, 0.6), facts, 0.0)
    write_edit_list(tmp_path / "cuts.edl", "moments", [listed])
    assert "10:20:30:22 10:20:31:02 01:00:00:00 01:00:00:05" in (tmp_path / "cuts.edl").read_text()


@pytest.mark.parametrize("name", ["a.mpg", "a.m2v", "a.ts"])
def test_mpeg_2_counts_by_its_groups_of_pictures(tmp_path: Path, name: str) -> None:
    options = {"gop_timecode": "10:20:30:12"}
    path = write_video(
        tmp_path / name, numbered_frames(30, 480, 720), fps=25.0, codec="mpeg2video", options=options
    )
    assert video_facts(path).first_timecode == "10:20:30:12"
    plain = write_video(
        tmp_path / f"plain{name}", numbered_frames(30, 480, 720), fps=25.0, codec="mpeg2video"
    )
    assert video_facts(plain).first_timecode is None


def test_timecode_in_bits() -> None:
    bits = 1 << 24 | 10 << 19 | 20 << 13 | 1 << 12 | 30 << 6 | 12
    assert gop_timecode(bits) == "10:20:30;12"
    assert gop_timecode(bits & ~(1 << 24)) == "10:20:30:12"
    packed = 0x12 << 24 | 0x30 << 16 | 0x20 << 8 | 0x10
    assert smpte_timecode(packed, Fraction(25)) == "10:20:30:12"
    assert smpte_timecode(packed | 1 << 30, Fraction(30000, 1001)) == "10:20:30;12"
    assert smpte_timecode(packed | 1 << 23, Fraction(60)) == "10:20:30:25"
    assert smpte_timecode(packed | 1 << 7, Fraction(50)) == "10:20:30:25"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared clips are not at hand")
def test_a_matroska_file_of_a_camera() -> None:
    assert video_facts(SHARED / "timecode.mkv").first_timecode == "10:20:30:12"
