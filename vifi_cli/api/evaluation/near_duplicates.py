"""Near-duplicates across splits: training videos that are held out too, encoded again, scaled, cropped or cut shorter.

The encoder finds, for each held-out video, the training videos that look most like it; the pixels of these pairs
decide (`video.clips.same_footage`). The embeddings alone cannot: takes in front of one background are closer to each
other than a video to its compressed copy (docs/data.md has the measurement).
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vifi_cli.api.feedback import Feedback
from vifi_cli.api.library.encoders import EncoderChoice, load_both_sides
from vifi_cli.api.models.choosing import choose_model
from vifi_cli.data.formats.listing import Split
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
from vifi_cli.data.video_checks import DECODED, NearDuplicate
from vifi_cli.errors import UnreadableVideo
from vifi_cli.index.encoder import Encoder, clip_length_of, embed_clips
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.processors import usable_processors
from vifi_cli.video.clips.clip_cutting import ClipCutter, Clips
from vifi_cli.video.clips.same_footage import Footage, read_footage, same_footage
from vifi_cli.video.workers.decode_ahead import DecodedChunk, Decoders, FailedVideo, decode_ahead
from vifi_cli.wording import counted

PAIRS = 2_000  # that are compared in small data, which is all of them there
FEWEST_NEAREST = 10  # training videos that are compared with each held-out one, however many there are
LEAST_SIMILARITY = 0.9
KEPT_IN_MEMORY = 256  # videos, a few megabytes each
HELD_OUT: tuple[Split, ...] = ("val", "test")


def check_choice(choice: EncoderChoice) -> None:
    """Check, before videos are read, that there is such a model; the errors are those of `resolve_model`."""
    chosen = choose_model(choice.model)
    with chosen.explained():
        resolve_model(chosen.name)


def find_near_duplicates(
    videos: LabeledVideos,
    choice: EncoderChoice,
    feedback: Feedback,
    skip: Sequence[tuple[Path, ...]] = (),
) -> tuple[NearDuplicate, ...]:
    """The training videos that show the footage of a held-out one, the most similar first.

    Files of `skip` are known to be equal. Moments are not compared, only complete videos.

    Raises:
        InvalidInput, ModelUnavailable, MissingDependency: the model cannot be loaded.
    """
    train = _complete(videos.train)
    held_out = {
        split: _complete(part) for split, part in zip(HELD_OUT, (videos.val, videos.test), strict=True)
    }
    paths = list(dict.fromkeys(video.path for part in (train, *held_out.values()) for video in part))
    if moments := sum(video.is_moment for video in videos.all_videos()):
        feedback.note(f"{counted(moments, 'moment is', 'moments are')} not compared, only complete videos")
    if not train or not any(held_out.values()):
        return ()
    encoder = load_both_sides(choose_model(choice.model).fetch(feedback), choice.device, feedback)
    embeddings = _embedded(paths, encoder, feedback)
    known = {path: files[0] for files in skip for path in files}
    nearest = max(FEWEST_NEAREST, PAIRS // len({video.path for part in held_out.values() for video in part}))
    pairs = {
        (one.path, other.path): (one, other, split)
        for split, part in held_out.items()
        for one, other in _nearest(train, part, embeddings, nearest)
        if known.get(one.path, one.path) != known.get(other.path, other.path)
    }
    return tuple(sorted(_confirmed(list(pairs.values()), feedback), key=lambda each: -each.similarity))


def _complete(videos: Sequence[LabeledVideo]) -> list[LabeledVideo]:
    return [video for video in videos if not video.is_moment]


def _embedded(paths: list[Path], encoder: Encoder, feedback: Feedback) -> dict[Path, npt.NDArray[np.float32]]:
    """The mean embedding (D,), of length 1, of each readable video, from eight frames or more."""
    sums: dict[int, npt.NDArray[np.float32]] = {}
    cutters = [ClipCutter(clip_length_of(encoder)) for _ in paths]

    def add(position: int, clips: Clips | None) -> None:
        if clips:
            sums[position] = sums.get(position, np.float32(0)) + embed_clips(encoder, clips.pixels).sum(0)

    workers = max(1, min(len(paths), usable_processors()))
    with (
        feedback.task("Embedding", len(paths), "videos") as report,
        closing(decode_ahead(paths, DECODED, encoder.geometry, Decoders(workers, threads=1))) as events,
    ):
        done = 0
        for event in events:
            if isinstance(event, DecodedChunk):
                add(event.position, cutters[event.position].add(event.frames))
                continue
            if isinstance(event, FailedVideo):
                sums.pop(event.position, None)
            else:
                add(event.position, cutters[event.position].finish(event.info.duration_seconds))
            done += 1
            report(done)
    return {paths[place]: total / np.linalg.norm(total) for place, total in sums.items()}


def _nearest(
    train: Sequence[LabeledVideo],
    held_out: Sequence[LabeledVideo],
    embeddings: dict[Path, npt.NDArray[np.float32]],
    count: int,
) -> Iterator[tuple[LabeledVideo, LabeledVideo]]:
    """For each held-out video, the training videos that look most like it."""
    learned = [video for video in train if video.path in embeddings]
    if not learned:
        return
    rows = np.stack([embeddings[video.path] for video in learned])
    for video in held_out:
        if video.path in embeddings:
            cosines = rows @ embeddings[video.path]
            for place in np.argsort(-cosines, kind="stable")[:count].tolist():
                yield learned[place], video


def _confirmed(
    pairs: Sequence[tuple[LabeledVideo, LabeledVideo, Split]], feedback: Feedback
) -> Iterator[NearDuplicate]:
    read = lru_cache(KEPT_IN_MEMORY)(_footage)
    with feedback.task("Comparing", len(pairs), "pairs") as report:
        for done, (train, held_out, split) in enumerate(pairs, start=1):
            one, other = read(train.path), read(held_out.path)
            similarity = same_footage(one, other) if one and other else 0.0
            if similarity >= LEAST_SIMILARITY:
                yield NearDuplicate(train, held_out, split, similarity)
            report(done)


def _footage(path: Path) -> Footage | None:
    try:
        return read_footage(path)
    except UnreadableVideo:
        return None
