"""Stores encoded videos in a catalog: one by one on this machine, or as shards that others have made.

A shard is a small catalog. Making one takes only files and an encoder, and it is merged in one step, so that many
processes or machines can share the work on one index.
"""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, replace
from pathlib import Path

from vifi_cli import stop_signals
from vifi_cli.errors import EncoderMismatch, InvalidInput
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.merging import merge
from vifi_cli.index.catalog.records import EncodedVideo, FailedFile, IndexedWith
from vifi_cli.index.encoder import Encoder, clip_length_of, reads_texts
from vifi_cli.index.update.encoding import encode_videos
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.video_file import VideoFile


def indexed_with(encoder: Encoder, sampling: FrameSampling) -> IndexedWith:
    """The signature of a catalog made with this encoder and sampling."""
    clip = clip_length_of(encoder)
    return IndexedWith(
        model=encoder.model_name,
        vision_fingerprint=encoder.vision_fingerprint,
        text_fingerprint=encoder.text_fingerprint if reads_texts(encoder) else "",
        dimension=encoder.dimension,
        frames_per_second=sampling.frames_per_second,
        minimum_frames=sampling.minimum_frames,
        clip_frames=clip.frames,
        clip_seconds=clip.seconds,
    )


def sampling_for(
    encoder: Encoder, frames_per_second: float | None = None, like: IndexedWith | None = None
) -> FrameSampling:
    """How densely videos are sampled for an encoder: as wanted, else as in another index if that suits it.

    Raises:
        InvalidInput: clips would not have as many frames as the encoder sees.
    """
    clip = clip_length_of(encoder)
    if like and like.clip_length == clip:
        usual = like.sampling
    else:
        usual = FrameSampling()
        least = max(usual.minimum_frames, clip.frames)
        usual = FrameSampling(clip.frames_per_second or usual.frames_per_second, least)
    wanted = usual if frames_per_second is None else replace(usual, frames_per_second=frames_per_second)
    if wanted.frames_per_second < clip.frames_per_second:
        raise InvalidInput(
            f"{encoder.model_name} sees {clip.frames} frames in {clip.seconds:g} s: omit --fps, "
            f"or take {clip.frames_per_second:g} or more"
        )
    return wanted


def store_all(
    catalog: Catalog, videos: Iterator[EncodedVideo | FailedFile]
) -> Iterator[EncodedVideo | FailedFile]:
    """Stores each video or failure as it comes, and passes it on without its embeddings.

    A stop signal takes effect between two videos, so that the consumer knows of each one that is stored.
    """
    for video in videos:
        with stop_signals.deferred():
            if isinstance(video, FailedFile):
                catalog.record_failure(video)
                yield video
                continue
            catalog.store(video)
            yield replace(video, seconds=video.seconds[:0].copy(), embeddings=video.embeddings[:0].copy())


def make_shard(path: Path, videos: Sequence[VideoFile], encoder: Encoder, sampling: FrameSampling) -> Path:
    """Encodes videos into a new catalog at `path`, for `merge_shard`."""
    with Catalog.create(path, indexed_with(encoder, sampling)) as shard:
        for _ in store_all(shard, encode_videos(videos, encoder, sampling)):
            pass
    return path


def merge_shard(catalog: Catalog, shard: Path) -> None:
    """Takes in everything that a shard holds, in one transaction; its videos win over those of the same path.

    Raises:
        EncoderMismatch: the shard was made with another encoder or sampling.
    """
    with Catalog(shard) as other:
        if astuple(other.indexed_with)[1:] != astuple(catalog.indexed_with)[1:]:
            raise EncoderMismatch(f"{shard} was made with {other.indexed_with.model} or another sampling")
    merge(catalog, shard)
