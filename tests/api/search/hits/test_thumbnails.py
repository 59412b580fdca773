"""Small pictures of hits: one from the middle, or several side by side that show what happens."""

from pathlib import Path

import numpy as np

from tests.made_videos import solid_colour_clip
from vifi_cli.api.search.hits.thumbnails import GAP_PIXELS, Thumbnails
from vifi_cli.index.search.video_index import SearchHit


def test_a_strip_shows_a_frame_of_each_part(tmp_path: Path) -> None:
    solid_colour_clip(tmp_path / "a.mp4", [("red", 1.0), ("green", 1.0), ("blue", 1.0)])
    hit = SearchHit(tmp_path / "a.mp4", 0.0, 3.0, 0.5)
    with Thumbnails(24) as pictures:
        strip, middle = pictures.strip(hit, 3), pictures.middle(hit)
        assert pictures.strip(SearchHit(tmp_path / "gone.mp4", 0.0, 3.0, 0.5), 3) is None
    assert strip is not None
    assert middle is not None
    height, width, _ = middle.shape
    assert strip.shape == (height, 3 * width + 2 * GAP_PIXELS, 3)
    frames = [strip[:, start : start + width] for start in range(0, strip.shape[1], width + GAP_PIXELS)]
    assert [int(frame.mean(axis=(0, 1)).argmax()) for frame in frames] == [0, 1, 2]
    assert np.array_equal(frames[1], middle)
