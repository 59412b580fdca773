"""Holds videos out for val and test; known scenes, persons and copies stay together, so that none leaks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from vifi_cli.data.formats.listing import SPLITS, Split
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, class_counts, with_remark
from vifi_cli.data.splits.overlaps import joined_groups
from vifi_cli.data.splits.random_splits import (
    HELD_OUT_SHARE,
    Shares,
    Videos,
    in_order,
    split_by_class,
    split_by_group,
)
from vifi_cli.errors import InvalidInput
from vifi_cli.video.files.content import video_status
from vifi_cli.video.files.digests import equal_files
from vifi_cli.wording import as_argument, counted

NONE_TO_HOLD_OUT = "no class has two videos to hold one out"
FIRST_WORD = "^([^_]+)_"
"""The group pattern of names such as `daria_bend`."""
FEWEST_GROUPS = 3  # first words of names that may be groups
EACH_ITS_OWN = ".+"
"""The group pattern by which every video is independent of the others."""


class GroupsTooFew(InvalidInput):
    """Videos show too few scenes or persons to hold some of these out."""


def with_held_out(videos: LabeledVideos, seed: int) -> LabeledVideos:
    """Makes sure that val and test have videos; a single held-out list is both."""
    if not videos.train:
        return videos
    if not videos.val and not videos.test:
        videos = _hold_out(videos, seed)
    elif not videos.val:
        videos = with_remark(videos, "no val split: the test split also monitors training")
    elif not videos.test:
        videos = with_remark(videos, "no test split: the val split also gives the results")
    return replace(videos, val=videos.val or videos.test, test=videos.test or videos.val)


def _hold_out(videos: LabeledVideos, seed: int) -> LabeledVideos:
    """Moves a fifth of the training videos to val: complete groups if groups are known, else of each class."""
    splits = split_fairly(videos.train, Shares(val=HELD_OUT_SHARE, test=0), seed, videos.name)
    if not splits["val"]:
        return with_remark(videos, f"{NONE_TO_HOLD_OUT}: nothing can be tested")
    how = ", in complete groups" if has_groups(videos.train) else ""
    held_out = f"{len(splits['val'])} of {len(videos.train)} videos are held out as both{how}, seed {seed}"
    drawn = with_remark(
        replace(videos, train=splits["train"], val=splits["val"]), f"no val and no test split: {held_out}"
    )
    shared = "" if has_groups(videos.train) else shared_beginning(videos.train)
    if not shared:
        return drawn
    return with_remark(
        drawn,
        f"file names begin alike in several classes, such as {shared}_: if these are persons or scenes, keep each in "
        f"one split with `vifi data split {as_argument(PurePath(videos.name))} -o split.csv --group-by "
        f"'{FIRST_WORD}'`",
    )


def shared_beginning(videos: Sequence[LabeledVideo]) -> str:
    """A first word of file names that may be a person or a scene, as `daria` in `daria_bend`; else empty.

    Each of three words or more begins names in at least half of the classes, and no name lacks one.
    """
    classes_of: dict[str, set[int]] = {}
    for video in videos:
        word, mark, _ = video.path.stem.partition("_")
        classes_of.setdefault(word if mark else "", set()).add(video.label)
    classes = {video.label for video in videos}
    is_shared = all(2 * len(each) >= len(classes) and len(each) > 1 for each in classes_of.values())
    return min(classes_of) if is_shared and "" not in classes_of and len(classes_of) >= FEWEST_GROUPS else ""


def how_to_hold_out(videos: LabeledVideos) -> str:
    """What gives these videos, of which none is held out, some to test with."""
    if max(class_counts(videos.train, len(videos.class_names))) < 2:
        return f"{NONE_TO_HOLD_OUT}, so add videos"
    return "`vifi data split` holds some out"


def has_groups(videos: Sequence[LabeledVideo]) -> bool:
    """Whether it is known of any video which scene or person it shows, or of which file it is a moment."""
    return any(video.known_group for video in videos)


def split_fairly(videos: Sequence[LabeledVideo], shares: Shares, seed: int, name: str) -> dict[Split, Videos]:
    """Divides the videos of every class so that no held-out one is given away: known groups and copies stay together.

    `name` is that of the data.

    Raises:
        GroupsTooFew: the groups do not allow it.
    """
    copies = [
        files for files in equal_files(video.path for video in videos) if video_status(files[0]).st_size
    ]
    if has_groups(videos):
        return _split_known_groups(videos, copies, shares, seed, name)
    original = {path: files[0] for files in copies for path in files}
    distinct = [video for video in videos if original.get(video.path, video.path) == video.path]
    splits = split_by_class(distinct, shares, seed)
    split_of = {video.path: split for split, members in splits.items() for video in members}
    chosen: dict[Split, list[int]] = {split: [] for split in SPLITS}
    for index, video in enumerate(videos):
        chosen[split_of[original.get(video.path, video.path)]].append(index)
    return in_order(videos, chosen)


def _split_known_groups(
    videos: Sequence[LabeledVideo], copies: Sequence[tuple[Path, ...]], shares: Shares, seed: int, name: str
) -> dict[Split, Videos]:
    groups = joined_groups(videos, [video.unit for video in videos], copies)
    try:
        splits = split_by_group(videos, groups, shares, seed)
    except InvalidInput:
        splits = dict.fromkeys(SPLITS, ())
    if not _is_usable(splits, shares, len(videos)):
        scenes = f"show {counted(len(set(groups)), 'scene or person', 'scenes or persons')}"
        if not any(video.group for video in videos):
            scenes = f"come from {counted(len(set(groups)), 'file')}"
        raise GroupsTooFew(
            f"the {counted(len(videos), 'video')} of {name} {scenes}, too few to hold some out: add videos of "
            f"others, or count each video as independent with `vifi data split {as_argument(PurePath(name))} -o "
            f"split.csv --group-by '{EACH_ITS_OWN}'`, and name split.csv"
        )
    return splits


def _is_usable(splits: Mapping[Split, Videos], shares: Shares, videos: int) -> bool:
    """Whether training has all classes, and each held-out split at least half of its share."""
    train, every = (
        {video.label for video in members} for members in (splits["train"], sum(splits.values(), ()))
    )
    held_out: tuple[Split, ...] = ("val", "test")
    return (
        bool(every)
        and train == every
        and all(2 * len(splits[split]) >= shares.of(split) * videos for split in held_out)
    )
