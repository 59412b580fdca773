"""How encoded videos enter a catalogue: one by one on this machine, or as shards that others have made.

A shard is a small catalogue of its own. It needs nothing but the files and the encoder to be made, and is taken
in at one step, so that many processes or machines can share the work of one index.
"""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, replace
from pathlib import Path

from vifi_cli.errors import EncoderMismatch
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.records import EncodedVideo, FailedFile, IndexedWith
from vifi_cli.index.encoder import Encoder
from vifi_cli.index.update.encoding import encode_videos
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.discovery import VideoFile

MERGE_STATEMENTS = (
    "DELETE FROM main.videos WHERE path IN (SELECT path FROM shard.videos UNION SELECT path FROM shard.failures)",
    "DELETE FROM main.failures WHERE path IN "
    "(SELECT path FROM shard.videos UNION SELECT path FROM shard.failures)",
    "INSERT INTO main.videos (path, size_bytes, modified_ns, on_other_device, fingerprint, duration_seconds, width, "
    "height, codec, decoding, warning, indexed_at) SELECT path, size_bytes, modified_ns, on_other_device, "
    "fingerprint, duration_seconds, width, height, codec, decoding, warning, indexed_at FROM shard.videos ORDER BY id",
    "INSERT INTO main.frames (video_id, seconds, embeddings) SELECT here.id, seconds, embeddings "
    "FROM shard.frames JOIN shard.videos AS there ON there.id = video_id "
    "JOIN main.videos AS here ON here.path = there.path",
    "INSERT INTO main.windows (video_id, start_seconds, end_seconds, first_frame, end_frame, is_whole) "
    "SELECT here.id, start_seconds, end_seconds, first_frame, end_frame, is_whole "
    "FROM shard.windows AS w JOIN shard.videos AS there ON there.id = w.video_id "
    "JOIN main.videos AS here ON here.path = there.path ORDER BY w.id",
    "INSERT INTO main.failures SELECT * FROM shard.failures",
)


def indexed_with(encoder: Encoder, sampling: FrameSampling) -> IndexedWith:
    """The signature of a catalogue made with this encoder and sampling."""
    return IndexedWith(
        model=encoder.model_name,
        vision_fingerprint=encoder.vision_fingerprint,
        text_fingerprint=encoder.text_fingerprint,
        dimension=encoder.dimension,
        frames_per_second=sampling.frames_per_second,
        minimum_frames=sampling.minimum_frames,
    )


def store_all(
    catalog: Catalog, videos: Iterator[EncodedVideo | FailedFile]
) -> Iterator[EncodedVideo | FailedFile]:
    """Stores each video or failure as it comes, and passes it on without its embeddings."""
    for video in videos:
        if isinstance(video, FailedFile):
            catalog.record_failure(video)
            yield video
        else:
            catalog.store(video)
            yield replace(video, seconds=video.seconds[:0].copy(), embeddings=video.embeddings[:0].copy())


def make_shard(path: Path, videos: Sequence[VideoFile], encoder: Encoder, sampling: FrameSampling) -> Path:
    """Encodes videos into a new catalogue of their own at `path`, for `merge_shard` to take in."""
    with Catalog.create(path, indexed_with(encoder, sampling)) as shard:
        for _ in store_all(shard, encode_videos(videos, encoder, sampling)):
            pass
    return path


def merge_shard(catalog: Catalog, shard: Path) -> None:
    """Takes in all that a shard holds, in one transaction; its videos win over those of the same path.

    Raises:
        EncoderMismatch: the shard was made with another encoder or sampling.
    """
    with Catalog(shard) as other:
        if astuple(other.indexed_with)[1:] != astuple(catalog.indexed_with)[1:]:
            raise EncoderMismatch(f"{shard} was made with {other.indexed_with.model} or another sampling")
    catalog.db.attach("shard", shard)
    try:
        with catalog.transaction():
            for statement in MERGE_STATEMENTS:
                catalog.db.execute(statement)
            catalog.raise_generation()
    finally:
        catalog.db.execute("DETACH DATABASE shard")
