"""The frame rate in the main header of an AVI, which FFmpeg does not report."""

from pathlib import Path

from vifi_cli.video.files.content import open_content

MICROSECONDS_PLACE = 32  # of the length of a frame, in a file that begins as it should
MICROSECONDS = 1_000_000
SAME_SHARE = 0.1


def outvoting_rate(path: Path, codec_rate: float) -> float | None:
    """The frames a second on which the main header and the codec agree, against the header of the stream.

    None if they differ, or if the file is not an AVI or cannot be read.
    """
    try:
        with open_content(path) as file:
            head = file.read(MICROSECONDS_PLACE + 4)
    except OSError:
        return None
    frame_microseconds = int.from_bytes(head[MICROSECONDS_PLACE:], "little")
    if head[:4] != b"RIFF" or head[8:12] != b"AVI " or not frame_microseconds:
        return None
    agrees = abs(codec_rate * frame_microseconds / MICROSECONDS - 1) <= SAME_SHARE
    return codec_rate if agrees else None
