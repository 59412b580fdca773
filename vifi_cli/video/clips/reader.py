"""Reads frames of a video, or of a part of it, by their numbers, and decodes no more than these need.

N, the number of frames, and their order come from the file's packets, without decoding. Where packets do not reveal
them, or the decoder yields other frames, everything is decoded in order, and N is the number of frames decoded.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.clips.clip_sampling import FrameNumbers
from vifi_cli.video.clips.part_frames import NumberedFrame, decode_part, list_part
from vifi_cli.video.container.container import open_video
from vifi_cli.video.decode.packet_list import PacketList, decode_everything, decode_listed, list_packets
from vifi_cli.video.decode.selective import FramesMissing
from vifi_cli.video.moment import WHOLE_VIDEO, TimeRange
from vifi_cli.video.pictures.bilinear import resize_bilinear, short_side_size
from vifi_cli.video.pictures.orientation import Orientation
from vifi_cli.video.pictures.picture import Picture

FrameChoice = Callable[[int], FrameNumbers]
"""From N, the number of frames in a video, to the T numbers wanted, in any order; called again if N was wrong."""

HELD_BYTES = 256 * 2**20  # of decoded frames, while it is unknown which are wanted


def read_clip(
    path: Path, choose: FrameChoice, short_side: int, part: TimeRange = WHOLE_VIDEO
) -> npt.NDArray[np.uint8]:
    """Reads the chosen frames in the order chosen: uint8 (T, H, W, 3), RGB, upright, scaled to the short side.

    The frames of a part are numbered from its start, and N counts them alone.

    Raises:
        NothingInPart: the part has no frame.
    """
    listed = _list_all(path) if part == WHOLE_VIDEO else list_part(path, part)
    if listed is not None:
        numbers = choose(len(listed))
        with suppress(FramesMissing):
            return _clip(numbers, listed.decode(numbers), short_side)
    return _read_in_full(lambda: _decode_in_full(path, part), choose, short_side)


def read_all_frames(path: Path, part: TimeRange = WHOLE_VIDEO) -> tuple[int, Iterator[Picture]]:
    """An upper bound of the number of frames, and all of them: RGB, upright, at their own size, decoded when taken.

    Raises:
        FramesMissing: while you take frames: the packets promised others, so `read_clip` may decode different ones.
    """
    if part != WHOLE_VIDEO:
        listed = list_part(path, part)
        if listed is None:
            return sum(1 for _ in decode_part(path, part)), _upright(
                frame for _, frame in decode_part(path, part)
            )
        return len(listed), _upright(frame for _, frame in listed.decode(np.arange(len(listed))))
    with open_video(path) as video:
        packets = list_packets(video)
        most = video.packets_read if packets is None else len(packets)
        return most, _all_pictures(path, packets)


def _upright(frames: Iterable[VideoFrame]) -> Iterator[Picture]:
    to_rgb = VideoReformatter()
    for frame in frames:
        yield _upright_rgb(frame, to_rgb)


def _all_pictures(path: Path, packets: PacketList | None) -> Iterator[Picture]:
    times = iter([] if packets is None else np.sort(packets.times).tolist())
    to_rgb = VideoReformatter()
    with open_video(path) as video:
        for frame in decode_everything(video):
            if packets is not None and (frame.pts != next(times, None) or frame.is_corrupt):
                raise FramesMissing
            yield _upright_rgb(frame, to_rgb)
    if next(times, None) is not None:
        raise FramesMissing


def _clip(numbers: FrameNumbers, frames: Iterator[NumberedFrame], short_side: int) -> npt.NDArray[np.uint8]:
    """Scales numbered frames, and stacks those asked for."""
    to_rgb = VideoReformatter()
    pictures: dict[int, Picture] = {}
    size: tuple[int, int] | None = None  # of the first, also where the size changes within the video
    for number, frame in frames:
        picture = _upright_rgb(frame, to_rgb)
        size = size or short_side_size(picture.shape[0], picture.shape[1], short_side)
        pictures[number] = resize_bilinear(picture, *size)
    if not pictures.keys() >= set(numbers.tolist()):
        raise UnreadableVideo("the file changed while it was read")
    return np.stack([pictures[number] for number in numbers.tolist()])


@dataclass(frozen=True, slots=True, eq=False)
class _ListedVideo:
    """The N frames of a complete video, as its packets describe them."""

    path: Path
    packets: PacketList

    def __len__(self) -> int:
        return len(self.packets)

    def decode(self, numbers: FrameNumbers) -> Iterator[NumberedFrame]:
        times = np.sort(self.packets.times)
        with open_video(self.path) as video:
            for time, frame in decode_listed(video, self.packets, times[numbers]):
                yield int(np.searchsorted(times, time)), frame


def _list_all(path: Path) -> _ListedVideo | None:
    with open_video(path) as video:
        packets = list_packets(video)
    return None if packets is None else _ListedVideo(path, packets)


def _decode_in_full(path: Path, part: TimeRange) -> Iterator[VideoFrame]:
    if part != WHOLE_VIDEO:
        yield from (frame for _, frame in decode_part(path, part))
        return
    is_empty = True
    with open_video(path) as video:
        for frame in decode_everything(video):
            is_empty = False
            yield frame
        if is_empty:
            raise UnreadableVideo(video.why_no_frame())


def _read_in_full(
    decode: Callable[[], Iterator[VideoFrame]], choose: FrameChoice, short_side: int
) -> npt.NDArray[np.uint8]:
    """Decodes everything, to count frames and keep what fits in memory; a second time if that is not enough."""
    frames: list[VideoFrame] = []
    count = frame_bytes = 0
    for frame in decode():
        count += 1
        frame_bytes = frame_bytes or sum(plane.buffer_size for plane in frame.planes)
        if count * frame_bytes <= HELD_BYTES:
            frames.append(frame)
    numbers = choose(count)
    wanted = set(numbers.tolist())
    if max(wanted) < len(frames):
        return _clip(numbers, ((number, frames[number]) for number in sorted(wanted)), short_side)
    del frames
    again = ((number, frame) for number, frame in enumerate(decode()) if number in wanted)
    return _clip(numbers, again, short_side)


def _upright_rgb(frame: VideoFrame, to_rgb: VideoReformatter) -> Picture:
    """The picture at its own size, by FFmpeg's plain conversion (see `decode.picture`)."""
    picture = to_rgb.reformat(frame, format="rgb24", threads=1).to_ndarray().astype(np.uint8, copy=False)
    return np.ascontiguousarray(Orientation.of(frame).applied(picture))
