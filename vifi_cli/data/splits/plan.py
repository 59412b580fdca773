"""Splits labeled videos by a plan, and writes them as tables."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from vifi_cli.data.formats.listing import SPLITS
from vifi_cli.data.formats.tables.times import times_as_cells
from vifi_cli.data.formats.tables.writing import JSON_LINES, Row, write_csv, write_json_lines
from vifi_cli.data.labeled_videos import LabeledVideos, restrict_to_classes
from vifi_cli.data.splits.holding_out import split_fairly
from vifi_cli.data.splits.overlaps import joined_groups
from vifi_cli.data.splits.random_splits import (
    HELD_OUT_SHARE,
    Shares,
    base_and_novel,
    draw_shots,
    groups_of,
    split_by_group,
)
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import replacing


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """How to split videos."""

    val: float | None = None  # share of the videos, 0 to 1; None for a fifth, or for 0 with `hold_out`
    test: float | None = None  # the same
    group_by: str | None = None  # regular expression that finds a video's group in its file name
    hold_out: tuple[str, ...] = ()  # groups that go to test
    shots: int | None = None  # training videos per class; None for all
    nested: bool = False  # whether more shots with the same seed contain fewer
    base_novel: bool = False  # whether to separate the frequent half of the classes from the others
    seed: int = 0

    def __post_init__(self) -> None:
        if self.hold_out and self.group_by is None:
            raise InvalidInput("--hold-out names groups: say with --group-by what a group is")
        if self.nested and self.shots is None:
            raise InvalidInput("--nested is for few-shot splits: add --shots with the videos per class")
        _ = self.shares

    @property
    def shares(self) -> Shares:
        """The shares of val and test."""
        usual = 0.0 if self.hold_out else HELD_OUT_SHARE
        return Shares(usual if self.val is None else self.val, usual if self.test is None else self.test)

    def keeps_splits_of(self, videos: LabeledVideos) -> bool:
        """Whether videos stay in the splits that they come in: there are some, and the plan does not ask for others."""
        return bool(videos.val or videos.test) and (self.val, self.test, self.group_by) == (None, None, None)


def split_videos(videos: LabeledVideos, plan: SplitPlan) -> LabeledVideos:
    """The same videos in the splits of a plan."""
    if not plan.keeps_splits_of(videos):
        pooled = videos.all_videos()
        if plan.group_by is None:
            splits = split_fairly(pooled, plan.shares, plan.seed, videos.name)
        else:
            groups = groups_of(pooled, plan.group_by)
            pooled = tuple(replace(video, group=group) for video, group in zip(pooled, groups, strict=True))
            if not plan.hold_out:  # else you decide which groups are apart
                groups = joined_groups(pooled, groups)
            splits = split_by_group(pooled, groups, plan.shares, plan.seed, hold_out=plan.hold_out)
        videos = replace(videos, train=splits["train"], val=splits["val"], test=splits["test"])
    if plan.shots is not None:
        videos = replace(videos, train=draw_shots(videos.train, plan.shots, plan.seed, nested=plan.nested))
    return videos


def split_base_and_novel(videos: LabeledVideos) -> tuple[LabeledVideos, LabeledVideos]:
    """The frequent half of the classes to train on, and the held-out videos of the others to test with."""
    base, novel = base_and_novel(videos.all_videos(), len(videos.class_names))
    unseen = restrict_to_classes(videos, novel)
    tested = unseen.test or unseen.val or unseen.train
    return restrict_to_classes(videos, base), replace(unseen, train=(), val=(), test=tested)


def write_splits(videos: LabeledVideos, output: Path) -> None:
    """Writes a table of path, label, split and, where known, group, start and end.

    Paths are relative to its folder where possible.

    Raises:
        OSError: the file cannot be written; a file that existed before stays as it was.
    """
    with replacing(output) as unfinished:
        write = write_json_lines if output.suffix.lower() == JSON_LINES else write_csv
        write(unfinished, list(_rows(videos, output.absolute().parent)))


def _rows(videos: LabeledVideos, folder: Path) -> Iterator[Row]:
    for split, members in zip(SPLITS, (videos.train, videos.val, videos.test), strict=True):
        for video in members:
            path = video.path.relative_to(folder) if video.path.is_relative_to(folder) else video.path
            names = tuple(videos.class_names[label] for label in video.labels)
            label = names if len(names) > 1 else names[0]
            yield {
                "path": str(path),
                "label": label,
                "split": split,
                "group": video.group,
                **times_as_cells(video.part),
            }
