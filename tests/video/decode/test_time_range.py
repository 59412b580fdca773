from pathlib import Path

import numpy as np
import pytest

from tests.decoded_videos import read_video
from tests.made_videos import damaged, frame_number, numbered_frames, write_video
from vifi_cli.errors import InvalidInput, UnreadableVideo
from vifi_cli.index.windows import frames_within
from vifi_cli.video.decode.decoder import decode_range
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.moment import TimeRange
from vifi_cli.video.pictures.frames import FrameGeometry, Frames

GEOMETRY = FrameGeometry(20, 50, "squash")
SAMPLING = FrameSampling()


def read_range(path: Path, part: TimeRange) -> Frames:
    chunks = list(decode_range(path, SAMPLING, GEOMETRY, part))
    return Frames(
        np.concatenate([chunk.pixels for chunk in chunks]),
        np.concatenate([chunk.seconds for chunk in chunks]),
    )


def shown(frames: Frames, part: TimeRange) -> list[tuple[float, int]]:
    """Time and number of the frames that represent a part."""
    first, end = frames_within(frames.seconds, part.start_seconds, part.end_seconds)
    return [(float(frames.seconds[i]), frame_number(frames.pixels[i])) for i in range(first, end)]


STRETCHES = [
    TimeRange(),
    TimeRange(0, 0.1),
    TimeRange(3.2, 7.9, 3.2),
    TimeRange(5.0, 5.05, 5.0),
    TimeRange(5.49, 5.51, 5.5),
    TimeRange(11.9, 99, 11.9),
    TimeRange(5.0, 50.0, 11.5),
]


@pytest.mark.parametrize("part", STRETCHES, ids=str)
@pytest.mark.parametrize(
    "options",
    [
        {"gop": 5},
        {"gop": 120},
        {"gop": 30, "b_frames": 2},
        {"gop": 10, "start_seconds": 100.0},
        {"gop": 10, "fps": 2.0},
        {"gop": 10, "codec": "mpeg4", "container": "avi"},
        {"gop": 10, "container": "mpegts"},
        {"gop": 10, "frame_seconds": [*range(0, 4), *np.linspace(4, 12, 116)]},
    ],
    ids=str,
)
def test_a_part_shows_what_the_whole_video_shows_there(
    tmp_path: Path, part: TimeRange, options: dict[str, object]
) -> None:
    count = 24 if options.get("fps") else 120
    path = write_video(tmp_path / "clip.mkv", numbered_frames(count), **options)  # type: ignore[arg-type]
    whole, _ = read_video(path, SAMPLING, GEOMETRY)
    assert shown(read_range(path, part), part) == shown(whole, part)


def test_what_is_before_a_part_is_not_decoded(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", numbered_frames(600), gop=10)
    frames = read_range(path, TimeRange(50, 53, 50))
    assert 48 <= frames.seconds[0] < 50
    assert frames.seconds[-1] < 53


def test_a_part_that_seeking_does_not_lead_to_is_read_from_the_beginning(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", numbered_frames(600), gop=10)
    damaged(path, 0.3, 0.32)
    whole, _ = read_video(path, SAMPLING, GEOMETRY)
    for part in (TimeRange(15, 25, 15), TimeRange(40, 43, 40)):
        frames = read_range(path, part)
        assert shown(frames, part) == shown(whole, part)


def test_a_picture_that_stays_on_screen_is_the_last_one_before(tmp_path: Path) -> None:
    seconds = [0.0, 10.0, 20.0, 30.0]
    path = write_video(tmp_path / "slides.mkv", numbered_frames(4), frame_seconds=seconds, gop=1)
    part = TimeRange(24, 27, 25)
    assert shown(read_range(path, part), part) == [(20.0, 2)]


@pytest.mark.parametrize("gop", [5, 600])
def test_a_time_after_the_end_is_refused(tmp_path: Path, gop: int) -> None:
    path = write_video(tmp_path / "clip.mp4", numbered_frames(100), gop=gop)
    for part in (TimeRange(11, 15, 13), TimeRange(8.5, 12.5, 10.5), TimeRange(5000, 5004, 5002)):
        with pytest.raises(InvalidInput, match=r"clip.mp4 ends at 10.0 s"):
            read_range(path, part)


def test_what_is_no_video_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("no video")
    with pytest.raises(UnreadableVideo):
        read_range(tmp_path / "notes.mp4", TimeRange(1, 2, 1))
