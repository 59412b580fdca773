"""Lists of moments, which refer to the videos: .edl, .otio and .m3u8 for editors and players, .csv and .json."""

import csv
import io
import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from vifi_cli.errors import InvalidInput, MissingDependency
from vifi_cli.paths import write_file
from vifi_cli.video.edit_lists.edl import edl_text, remarks_on_rates
from vifi_cli.video.export.probe import ProbedMoment
from vifi_cli.video.files.virtual.tar_shards import split_at_shard
from vifi_cli.video.moment import Moment
from vifi_cli.wording import counted, one_line

EDL, OTIO, PLAYLISTS, CSV, JSON = ".edl", ".otio", (".m3u8", ".m3u"), ".csv", ".json"
FORMATS = (EDL, OTIO, *PLAYLISTS, CSV, JSON)
TIME_DIGITS, SCORE_DIGITS = 3, 4


def check_list_name(path: Path) -> None:
    """Makes sure that a list's name has a known suffix, whose format can be written.

    Raises:
        InvalidInput: the format is unknown.
        MissingDependency: it needs a package that is not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise InvalidInput(
            f"{path.name} is not a kind of list: end its name with .edl (any editor), .otio (OpenTimelineIO), "
            ".m3u8 (VLC), .csv or .json"
        )
    if suffix == OTIO and find_spec("opentimelineio") is None:
        raise MissingDependency(f"{path.name} needs opentimelineio: run `pip install 'vifi[lists]'`")


def write_edit_list(path: Path, title: str, moments: Sequence[ProbedMoment]) -> tuple[str, ...]:
    """Writes at least one moment in the format of the name's suffix; returns remarks for the user.

    Raises:
        InvalidInput: the format is unknown, or cannot hold so many moments.
        MissingDependency: it needs a package that is not installed.
    """
    check_list_name(path)
    suffix = path.suffix.lower()
    if suffix == EDL:
        text = edl_text(title, moments)
    elif suffix == OTIO:
        from vifi_cli.video.edit_lists.otio import otio_text  # needs an extra

        text = otio_text(title, moments)
    elif suffix in PLAYLISTS:
        text = _playlist_text(title, moments)
    else:
        text = plain_list(suffix, title, [one.moment for one in moments])
    write_file(path, text.encode(errors="surrogateescape"))
    if suffix in (CSV, JSON):
        return ()
    rates = remarks_on_rates(moments) if suffix == EDL else ()
    return (*rates, *_remarks_on_clocks(moments), *_remarks_on_places(moments))


def _remarks_on_clocks(moments: Sequence[ProbedMoment]) -> tuple[str, ...]:
    """Which videos other programs may count differently, in words for the user."""
    odd = dict.fromkeys(
        one.name for one in moments if one.facts.clock is not None and not one.facts.clock.is_plain
    )
    return tuple(
        f"{name}: its own times are set back or leap, so editors and players may find other moments; "
        "clips that `vifi cut` writes are right"
        for name in odd
    )


def _remarks_on_places(moments: Sequence[ProbedMoment]) -> tuple[str, ...]:
    """How many videos other programs cannot open, in words for the user."""
    paths = {one.moment.path for one in moments}
    closed = sum(path.is_dir() or split_at_shard(path) is not None for path in paths)
    if not closed:
        return ()
    are = f"{counted(closed, 'video')} {'is' if closed == 1 else 'are'}"
    return (
        f"{are} in tar files or folders of frames, which editors and players do not open: cut clips instead",
    )


def _playlist_text(title: str, moments: Sequence[ProbedMoment]) -> str:
    """A playlist with one entry per moment; VLC plays the moment, other players the full video."""
    lines = ["#EXTM3U", f"#PLAYLIST:{one_line(title)}"]
    for one in moments:
        start, end = one.player_span
        lines += [
            f"#EXTINF:{end - start:.3f},{one.name}",
            f"#EXTVLCOPT:start-time={start:.3f}",
            f"#EXTVLCOPT:stop-time={end:.3f}",
            one.moment.path.as_uri(),  # safe for any name
        ]
    return "\n".join([*lines, ""])


def plain_list(suffix: str, title: str, moments: Sequence[Moment]) -> str:
    """Moments as a table (.csv), or as `vifi search --json` prints hits (.json), which `vifi cut -` reads."""
    if suffix == JSON:
        hits = [
            _place(one) | ({} if one.score is None else {_number_of(one): _rounded(one.score)})
            for one in moments
        ]
        return json.dumps({"query": title, "hits": hits}, indent=2) + "\n"
    table = io.StringIO()
    writer = csv.DictWriter(table, ("path", "start_seconds", "end_seconds", "score"), lineterminator="\n")
    writer.writeheader()
    writer.writerows(_place(one) | {"score": _rounded(one.score)} for one in moments)
    return table.getvalue()


def _place(one: Moment) -> dict[str, object]:
    return {
        "path": str(one.path),
        "start_seconds": round(one.start_seconds, TIME_DIGITS),
        "end_seconds": round(one.end_seconds, TIME_DIGITS),
    }


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, SCORE_DIGITS)


def _number_of(one: Moment) -> str:
    return (one.score_name or "score").lower()
