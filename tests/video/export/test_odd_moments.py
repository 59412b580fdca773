"""In real files of every kind, a moment's frames are those that decoding the full file shows at that time."""

import hashlib
import random
from pathlib import Path

import pytest

from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.export.open_moment import ShownFrame, open_moment
from vifi_cli.video.moment import Moment

VIDEOS = Path(__file__).parents[3].parent / "shared" / "videos"
pytestmark = pytest.mark.skipif(not VIDEOS.is_dir(), reason="the shared videos are not at hand")

DAMAGED = {"bitrot.mp4", "decord__corrupted.mp4"}  # where decoding begins changes what their frames look like
FILES = [
    *sorted(path for path in (VIDEOS / "odd").rglob("*") if path.is_file() and path.name not in DAMAGED),
    *(
        VIDEOS / "search" / name
        for name in ("flipping_a_pancake.mkv", "train.mp4", "v_GGSY1Qvo990.mp4", "dog.mp4")
    ),
    *sorted((VIDEOS / "actions" / "hmdb51_mini").rglob("*.avi"))[:3],
    *sorted((VIDEOS / "actions" / "weizmann").rglob("*.avi"))[:2],
]


def frames(path: Path, start: float, end: float) -> list[tuple[float, float, str]]:
    with open_moment(Moment(path, start, end)) as moment:
        return [(shown.start_seconds, shown.end_seconds, look(shown)) for shown in moment.frames()]


def look(shown: ShownFrame) -> str:
    return hashlib.sha256(shown.frame.to_ndarray(format="rgb24").tobytes()).hexdigest()


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_moments_are_parts_of_the_whole(path: Path) -> None:
    try:
        whole = frames(path, 0.0, float("inf"))
    except UnreadableVideo:
        pytest.skip("nothing of it can be decoded")
    choice = random.Random(path.name)
    for _ in range(3):
        first, last = sorted(choice.choices(range(len(whole)), k=2))
        part = frames(path, whole[first][0], whole[last][1])
        assert [one[2] for one in part] == [one[2] for one in whole[first : last + 1]]
        assert [one[0] for one in part] == pytest.approx([one[0] for one in whole[first : last + 1]])
        assert part[-1][1] == pytest.approx(whole[last][1])
