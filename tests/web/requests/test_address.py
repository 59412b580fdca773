"""Keys of videos in addresses, under which browsers may keep pictures for good."""

from dataclasses import replace

from tests.index.conftest import catalog, encoded_video
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.web.requests.address import key_of, video_by_key

__all__ = ["catalog"]


def test_other_content_has_another_key_though_its_samples_agree(catalog: Catalog) -> None:
    video = encoded_video("/v/a.mp4", [(1, 0, 0)])
    catalog.store(replace(video, digest="one"))
    before = key_of(catalog.videos()[0])
    catalog.store(replace(video, digest="two"))
    after = key_of(catalog.videos()[0])
    assert (before.id, before.digest) != (after.id, after.digest)
    assert before.digest != after.digest
    assert video_by_key(catalog, before) is None
    catalog.store(video)
    assert video_by_key(catalog, key_of(catalog.videos()[0])) is not None, "an older vifi made no digest"
