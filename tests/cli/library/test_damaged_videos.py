"""Damaged files cost only themselves: each gets a result or a reason in words; `tests.benchmarks.fuzz` has more."""

import json
import re
from pathlib import Path
from random import Random

import pytest

from tests.benchmarks.mutations import MUTATIONS
from tests.cli.conftest import Vifi
from tests.made_videos import numbered_frames, write_video
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog

EACH = 3  # files of each kind of damage
NAMES = ("a.mp4", "a.mkv", "a.avi", "a.mts")


@pytest.mark.slow
def test_each_damaged_file_is_indexed_or_named_with_a_reason(
    vifi: Vifi, tiny: Path, tmp_path: Path, vifi_home: Path
) -> None:
    sources = [write_video(tmp_path / name, numbered_frames(30)).read_bytes() for name in NAMES]
    damaged = set()
    (tmp_path / "damaged").mkdir()
    for number, (kind, mutate) in enumerate([*MUTATIONS.items()] * EACH):
        random = Random(number)
        place = random.randrange(len(sources))
        path = tmp_path / "damaged" / f"{number:02} {kind}{Path(NAMES[place]).suffix}"
        path.write_bytes(mutate(sources[place], random.choice(sources), random))
        damaged.add(path)
    outcome = vifi("index", tmp_path / "damaged", "--model", tiny, "--device", "cpu", "--json")
    assert outcome.exit_code == 3, outcome.stderr
    report = json.loads(outcome.stdout)
    with Catalog(vifi_home / "index" / CATALOG_FILE) as catalog:
        indexed = {video.path: video for video in catalog.videos()}
    assert indexed.keys() | {Path(failed["path"]) for failed in report["failed"]} == damaged
    assert indexed
    for text in [*(failed["reason"] for failed in report["failed"]), outcome.stderr]:
        assert not re.search(r"Error|Exception|Traceback|a bug", text)
    assert max(video.duration_seconds for video in indexed.values()) < 30
