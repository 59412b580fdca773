"""Names of clips describe them, sort in order, and are safe in shells."""

import os
from pathlib import Path

import pytest

from vifi_cli.api.cut.plan import clip_paths
from vifi_cli.video.moment import Moment


@pytest.mark.parametrize(
    ("name", "start", "clip"),
    [
        ("dog.mp4", 4.9, "01-dog-0m04s.mp4"),
        ("My trip (2019).mkv", 3723.0, "01-My-trip-2019-1h02m03s.mp4"),
        ("-rf ~ $(ls);'\".mp4", 60.0, "01-rf-ls-1m00s.mp4"),
        ("日本の犬.mp4", 0.0, "01-日本の犬-0m00s.mp4"),
        ("...", 0.0, "01-clip-0m00s.mp4"),
        (os.fsdecode(b"\xff\xfe.mp4"), 0.0, "01-clip-0m00s.mp4"),
        ("x" * 250 + ".mp4", 0.0, "01-" + "x" * 60 + "-0m00s.mp4"),
    ],
)
def test_a_clips_name_says_what_it_is_and_harms_nobody(name: str, start: float, clip: str) -> None:
    moment = Moment(Path("/videos") / name, start, start + 1)
    assert clip_paths(Path("/clips"), [moment], copied=False) == (Path("/clips") / clip,)


def test_clips_sort_in_their_order_and_never_share_a_name() -> None:
    moments = [Moment(Path("/videos/dog.mp4"), 0.1, 0.2)] * 120
    names = [path.name for path in clip_paths(Path("/clips"), moments, copied=True)]
    assert names == sorted(set(names))
    assert names[0] == "001-dog-0m00s.mp4"
    assert clip_paths(Path(), [Moment(Path("/a.avi"), 0, 1)], copied=True) == (Path("01-a-0m00s.mkv"),)
