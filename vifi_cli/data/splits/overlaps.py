"""Keeps moments together that show the same frames, whatever their groups."""

from collections.abc import Sequence

from vifi_cli.data.labeled_videos import LabeledVideo


def joined_groups(videos: Sequence[LabeledVideo], groups: Sequence[str]) -> list[str]:
    """The group of each video, where groups with moments of one file that overlap in time have become one.

    A joined group has the name of one of its groups. Without moments, the groups stay as they are.
    """
    if not any(video.is_moment for video in videos):
        return list(groups)
    joined = {group: group for group in groups}

    def name_of(group: str) -> str:
        while joined[group] != group:
            joined[group] = group = joined[joined[group]]
        return group

    latest: LabeledVideo | None = None  # of the moments of a file so far, the one that ends last
    latest_group = ""
    members = sorted(zip(videos, groups, strict=True), key=lambda member: _place(member[0]))
    for video, group in members:
        if latest is not None and latest.path == video.path and latest.part.overlaps(video.part):
            joined[name_of(group)] = name_of(latest_group)
        if latest is None or latest.path != video.path or latest.part.end_seconds < video.part.end_seconds:
            latest, latest_group = video, group
    return [name_of(group) for group in groups]


def _place(video: LabeledVideo) -> tuple[str, float]:
    return str(video.path), video.part.start_seconds
