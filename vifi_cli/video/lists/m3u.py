"""Playlists in which each entry begins and ends with a moment; VLC goes by that, others play the whole video."""

from collections.abc import Sequence

from vifi_cli.video.lists.listed_moment import ListedMoment, one_line


def m3u_text(title: str, listed: Sequence[ListedMoment]) -> str:
    """The playlist, in UTF-8. Videos are named by address, which is safe for any name."""
    lines = ["#EXTM3U", f"#PLAYLIST:{one_line(title)}"]
    for one in listed:
        start, end = one.moment.start_seconds, one.moment.end_seconds
        lines += [
            f"#EXTINF:{end - start:.3f},{one.name}",
            f"#EXTVLCOPT:start-time={start:.3f}",
            f"#EXTVLCOPT:stop-time={end:.3f}",
            one.moment.path.as_uri(),
        ]
    return "\n".join([*lines, ""])
