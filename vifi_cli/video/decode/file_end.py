"""Whether a file whose pictures end early was cut off."""

import math
from contextlib import suppress
from pathlib import Path

import av
from av.stream import Discard

from vifi_cli.video.container.container import open_video
from vifi_cli.video.container.demuxing import MICROSECOND, demuxed


def has_other_packets_after(path: Path, seconds: float) -> bool:
    """Whether sound or subtitles go on after a time, counted from the first picture."""
    with open_video(path) as video:
        container, wanted = video.container, video.file_seconds(seconds)
        others = [stream for stream in container.streams if stream.type in ("audio", "subtitle")]
        for stream in others:
            stream.discard = Discard.default
        for start in (wanted, 0.0) if others else ():  # some formats find nothing by seeking
            with suppress(av.FFmpegError):
                container.seek(math.floor(start / MICROSECOND))
            for packet in demuxed(container, *others):
                if packet.size and packet.pts is not None and packet.pts * packet.time_base >= wanted:
                    return True
        return False
