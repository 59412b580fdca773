"""Lists of moments for editors and players; the videos stay where they are, and are referred to."""

from collections.abc import Callable, Sequence
from pathlib import Path

from vifi_cli import paths
from vifi_cli.errors import InvalidInput
from vifi_cli.video.lists.edl import edl_text, told_rate
from vifi_cli.video.lists.listed_moment import ListedMoment, usual_count
from vifi_cli.video.lists.m3u import m3u_text
from vifi_cli.video.lists.otio import otio_text

FORMATS: dict[str, Callable[[str, Sequence[ListedMoment]], str]] = {
    ".edl": edl_text,
    ".otio": otio_text,
    ".m3u8": m3u_text,
    ".m3u": m3u_text,
}


def check_list_name(path: Path) -> None:
    """Makes sure that a list's format follows from its name; raises InvalidInput."""
    if path.suffix.lower() not in FORMATS:
        raise InvalidInput(
            f"{path.name} is no kind of list: end its name with .edl (any editor), .otio (OpenTimelineIO) "
            "or .m3u8 (VLC)"
        )


def write_edit_list(path: Path, title: str, listed: Sequence[ListedMoment]) -> tuple[str, ...]:
    """Writes a list in the format its name ends with; gives what an editor may misread, in words for the user.

    Args:
        path: the file to write, replaced at once.
        title: of the list.
        listed: at least one moment.

    Raises:
        InvalidInput: the format is not known, or cannot hold so many.
        OSError: the file cannot be written.
    """
    check_list_name(path)
    suffix = path.suffix.lower()
    text = FORMATS[suffix](title, listed)
    with paths.replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")
    return _what_edl_lacks(listed) if suffix == ".edl" else ()


def _what_edl_lacks(listed: Sequence[ListedMoment]) -> tuple[str, ...]:
    usual = usual_count([told_rate(one) for one in listed]).rate
    others = [one for one in listed if one.counted.rate != usual]
    if not others:
        return ()
    return (
        f"an EDL has one frame rate, here {float(usual):.5g}: {others[0].name} runs at "
        f"{float(others[0].facts.frame_rate):.5g}, so an editor may place it wrongly; .otio tells each video's own",
    )
