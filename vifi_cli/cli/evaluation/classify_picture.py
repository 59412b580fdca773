"""`vifi classify --over-time --picture`: what a video shows from when to when, drawn below its frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vifi_cli.cli.terminal import output
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import given_path

if TYPE_CHECKING:
    from vifi_cli.evaluation.testing.over_time import ClassifiedWindow, ClassSpan


def check_picture(picture: Path | None, videos: Sequence[Path], *, over_time: bool) -> None:
    """Make sure, before anything is looked at, that a picture can be drawn where one is wanted.

    Raises:
        InvalidInput: it cannot.
    """
    if picture is None:
        return
    if not over_time:
        raise InvalidInput("--picture goes with --over-time: it draws what the video shows from when to when")
    if len(videos) > 1:
        raise InvalidInput(f"--picture draws one video, and there are {len(videos)}: name a single one")
    if picture.is_dir() or given_path(picture) == given_path(videos[0]):
        raise InvalidInput(
            f"--picture {picture} is {'a folder' if picture.is_dir() else 'the video'}: name a PNG"
        )


def draw_over_time(
    picture: Path,
    video: Path,
    windows: Sequence[ClassifiedWindow],
    stretches: Sequence[ClassSpan],
    class_names: Sequence[str],
) -> None:
    """Write the picture, and say where.

    Raises:
        OSError: it cannot be written; what was there before is still whole.
    """
    from vifi_cli.evaluation.figures.strip import FRAMES, strip_picture
    from vifi_cli.paths import replacing
    from vifi_cli.video.clips.full_frames import clip_frames

    names = [output.printable(name) for name in class_names]
    drawn = strip_picture(output.printable(video.name), clip_frames(video, FRAMES), windows, stretches, names)
    picture.parent.mkdir(parents=True, exist_ok=True)
    with replacing(picture) as unfinished:
        unfinished.write_bytes(drawn)
    output.note(f"picture: {picture}")
