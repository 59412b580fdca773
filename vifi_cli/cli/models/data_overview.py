"""What `vifi data check` shows beside problems: how unequal classes are, and how long videos are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vifi_cli import wording
from vifi_cli.cli.terminal import output

if TYPE_CHECKING:
    from vifi_cli.data.overview import Durations, VideoSeconds
    from vifi_cli.data.video_checks import DataCheck


def show_overview(found: DataCheck) -> None:
    """Shows remarks on stderr."""
    if found.durations:
        _show_durations(found.durations)
    if found.near_duplicates is None and found.videos.train and (found.videos.val or found.videos.test):
        output.note("re-encoded, cropped or cut copies were not looked for: --near-duplicates finds them")
    balance = found.class_balance
    if balance and balance.is_unequal:
        from vifi_cli.data.labeled_videos import shows_several_classes

        step = "--recipe class_balance=1 trains all classes alike, and mean class accuracy counts them alike"
        if shows_several_classes(found.videos.all_videos()):
            step = "mAP counts them alike"  # balance draws videos class by class, so each needs one class
        output.note(
            f"classes are unequal: {balance.largest!r} has {balance.most:,} videos, {balance.smallest!r} "
            f"{balance.fewest:,}; {step}"
        )


def _show_durations(found: Durations) -> None:
    from vifi_cli.data.overview import SHORT_SECONDS, UNUSUAL_RATIO

    least, median, most = map(wording.duration, (found.shortest, found.median, found.longest))
    output.note(f"videos take {least} to {most}, median {median}")
    if found.short:
        words = wording.counted(len(found.short), "video is", "videos are")
        output.note(
            f"{words} under {SHORT_SECONDS:g} s, such as {_example(found.short)}: clips repeat their frames"
        )
    if found.long:
        words = wording.counted(len(found.long), "video is", "videos are")
        output.note(
            f"{words} over {UNUSUAL_RATIO:g} times the median, such as {_example(found.long)}: a clip shows few "
            "moments of it; name the moments that show the class with columns start and end"
        )


def _example(videos: tuple[VideoSeconds, ...]) -> str:
    return f"{videos[0].video.name} ({wording.duration(videos[0].seconds)})"


def overview_document(found: DataCheck) -> dict[str, object]:
    """The same for programs."""
    balance, lengths, pairs = found.class_balance, found.durations, found.near_duplicates
    return {
        "near_duplicates": None
        if pairs is None
        else [
            {
                "train": pair.train.path,
                "held_out": pair.held_out.path,
                "split": pair.split,
                "similarity": round(pair.similarity, 4),
            }
            for pair in pairs
        ],
        "class_balance": balance
        and {
            "largest": {"name": balance.largest, "videos": balance.most},
            "smallest": {"name": balance.smallest, "videos": balance.fewest},
            "ratio": round(balance.ratio, 3),
        },
        "durations": lengths
        and {
            "shortest_seconds": lengths.shortest,
            "median_seconds": lengths.median,
            "longest_seconds": lengths.longest,
            "short": [_video(each) for each in lengths.short],
            "long": [_video(each) for each in lengths.long],
        },
    }


def _video(each: VideoSeconds) -> dict[str, object]:
    from vifi_cli.data.labeled_videos import moment_document

    return {"path": each.video.path, **moment_document(each.video), "seconds": each.seconds}
