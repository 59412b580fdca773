"""What `vifi doctor` says about files that cannot be seen."""

import shutil
from pathlib import Path

from tests.color_encoder import ColorEncoder
from tests.made_videos import solid_colour_clip
from vifi_cli.api.library.checkup import examine
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.update.indexer import update_index
from vifi_cli.index.update.shards import indexed_with
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.discovery import find_videos


def test_files_that_are_gone_and_files_that_are_out_of_reach(tmp_path: Path) -> None:
    roots = [tmp_path / "disk", tmp_path / "videos"]
    for root in roots:
        root.mkdir()
        for name in ("a", "b"):
            solid_colour_clip(root / f"{name}.mp4", [("red", 1.0)])
    signature = indexed_with(ColorEncoder(), FrameSampling())
    with Catalog.create(tmp_path / "home" / "index" / CATALOG_FILE, signature) as catalog:
        update_index(catalog, find_videos(roots), roots, ColorEncoder)
    shutil.rmtree(roots[0])
    (roots[1] / "a.mp4").unlink()
    found = {
        finding.detail: finding.fix for finding in examine(tmp_path / "home") if finding.subject == "Files"
    }
    assert list(found) == [
        "the files of 1 indexed video are gone",
        f"2 indexed videos out of reach: {roots[0]} is missing, unreadable, or not mounted",
    ]
    assert f"vifi prune --missing {roots[0]}" in str(list(found.values())[1])


def test_the_demo_s_index_is_checked_where_searches_use_it(tmp_path: Path) -> None:
    demo = tmp_path / "home" / "demo" / "index"
    Catalog.create(demo / CATALOG_FILE, indexed_with(ColorEncoder(), FrameSampling())).close()
    found = [finding for finding in examine(tmp_path / "home", demo) if finding.subject == "Index"]
    assert [finding.state for finding in found] == ["fine"]
    assert found[0].detail.startswith("of `vifi demo`, as you have none of your own: 0 videos")
