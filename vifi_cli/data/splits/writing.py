"""Makes new splits of labelled videos and writes them as tables that `--data` takes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from vifi_cli.data.forms.listing import SPLITS
from vifi_cli.data.forms.table_file import write_table
from vifi_cli.data.labeled_videos import LabeledVideos, restrict_to_classes
from vifi_cli.data.splits.drawing import (
    Shares,
    base_and_novel,
    draw_shots,
    groups_of,
    split_by_class,
    split_by_group,
)
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import replacing


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """How videos are to be split.

    Attributes:
        shares: what is held out; None keeps the splits that the videos are in.
        group_by: a regular expression that finds a video's group in its file name; groups are kept whole.
        hold_out: groups that go to test.
        shots: training videos a class; None for all.
        nested: whether fewer shots with the same seed are part of more shots.
        seed: of every draw.
    """

    shares: Shares | None = None
    group_by: str | None = None
    hold_out: tuple[str, ...] = ()
    shots: int | None = None
    nested: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.hold_out and self.group_by is None:
            raise InvalidInput("--hold-out names groups: say by --group-by what a group is")
        if self.nested and self.shots is None:
            raise InvalidInput("--nested is for few-shot splits: say how many videos a class by --shots")


def resplit(videos: LabeledVideos, plan: SplitPlan) -> LabeledVideos:
    """The same videos in other splits."""
    if plan.shares is not None:
        pooled = videos.all_videos()
        if plan.group_by is None:
            parts = split_by_class(pooled, plan.shares, plan.seed)
        else:
            groups = groups_of(pooled, plan.group_by)
            pooled = tuple(replace(video, group=group) for video, group in zip(pooled, groups, strict=True))
            parts = split_by_group(pooled, groups, plan.shares, plan.seed, hold_out=plan.hold_out)
        videos = replace(videos, train=parts["train"], val=parts["val"], test=parts["test"])
    if plan.shots is not None:
        train = draw_shots(videos.train, plan.shots, plan.seed, nested=plan.nested)
        videos = replace(videos, train=train)
    return videos


def split_base_and_novel(videos: LabeledVideos) -> tuple[LabeledVideos, LabeledVideos]:
    """The frequent half of the classes to learn from, and the held-out videos of the others to test with."""
    base, novel = base_and_novel(videos.all_videos(), len(videos.class_names))
    unseen = restrict_to_classes(videos, novel)
    tested = unseen.test or unseen.val or unseen.train
    return restrict_to_classes(videos, base), replace(unseen, train=(), val=(), test=tested)


def write_splits(videos: LabeledVideos, output: Path) -> None:
    """Writes a table of path, label, split and, where known, group.

    Paths below its folder are relative, so that both can move together.

    Raises:
        OSError: the file cannot be written; one that was there is still whole.
    """
    with replacing(output) as unfinished:
        write_table(unfinished, list(_rows(videos, output.absolute().parent)))


def _rows(videos: LabeledVideos, folder: Path) -> Iterator[tuple[str, str, str, str]]:
    for split, members in zip(SPLITS, (videos.train, videos.val, videos.test), strict=True):
        for video in members:
            path = video.path.relative_to(folder) if video.path.is_relative_to(folder) else video.path
            yield str(path), videos.class_names[video.label], split, video.group
