"""Which files browsers show as they are."""

from pathlib import Path

import pytest

from tests.oriented_videos import UPRIGHT, write_oriented_video
from vifi_cli.web.media.playback import playability


@pytest.mark.parametrize("matrix", UPRIGHT)
def test_mirrored_videos_are_re_encoded_since_not_all_browsers_mirror(
    tmp_path: Path, matrix: tuple[float, float, float, float]
) -> None:
    a, b, c, d = matrix
    path = write_oriented_video(tmp_path / "phone.mp4", matrix)
    assert playability(path, lambda _: None).media_type == (None if a * d - b * c < 0 else "video/mp4")
