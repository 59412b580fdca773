"""Holds out a part of the training videos where the data has no val or test split."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from vifi_cli.data.forms.listing import Split
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, with_remark
from vifi_cli.data.splits.drawing import HELD_OUT_SHARE, Shares, split_by_class, split_by_group


def with_held_out(videos: LabeledVideos, seed: int) -> LabeledVideos:
    """Makes sure that val and test have videos; a single held-out list is both."""
    if not videos.train:
        return videos
    if not videos.val and not videos.test:
        videos = _hold_out(videos, seed)
    elif not videos.val:
        videos = with_remark(videos, "no val split: the test split monitors training")
    return replace(videos, val=videos.val or videos.test, test=videos.test or videos.val)


def _hold_out(videos: LabeledVideos, seed: int) -> LabeledVideos:
    """Moves a fifth of the training videos to val: whole groups if groups are known, else of each class."""
    shares = Shares(val=HELD_OUT_SHARE, test=0)
    parts, how = split_by_class(videos.train, shares, seed), ""
    groups = [video.group or str(video.path) for video in videos.train]
    if any(video.group for video in videos.train):
        how = " without regard to groups, which are too few"
        by_group = split_by_group(videos.train, groups, shares, seed) if len(set(groups)) > 1 else parts
        if _is_usable(by_group, len(videos.train)):
            parts, how = by_group, " in whole groups"
    held_out = f"{len(parts['val'])} of {len(videos.train)} videos are held out{how}, seed {seed}"
    return with_remark(replace(videos, train=parts["train"], val=parts["val"]), f"no val split: {held_out}")


def _is_usable(parts: Mapping[Split, Sequence[LabeledVideo]], videos: int) -> bool:
    """Whether training has all classes of val, and val at least half of its share."""
    train, val = ({video.label for video in parts[split]} for split in ("train", "val"))
    return val <= train and 2 * len(parts["val"]) >= HELD_OUT_SHARE * videos
