"""Opens containers of video and nothing else that FFmpeg knows, and says why a file is not opened.

FFmpeg also reads playlists, which name other files and may name them without end, pictures, and even text, which it
draws as on a terminal. None of these is a video, whatever its name.
"""

import re
from itertools import takewhile
from pathlib import Path

import av
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext

from vifi_cli.errors import UnreadableVideo, VideoOutOfReach
from vifi_cli.video.container.source_file import SourceFile, check_memory, why_not_opened
from vifi_cli.video.files.content import open_content
from vifi_cli.video.files.mp4_boxes import outermost_boxes
from vifi_cli.video.files.virtual.tar_shards import is_shard_name
from vifi_cli.video.pictures.frames import MOST_PIXELS
from vifi_cli.video.pictures.picture_files import is_picture

CONTAINER_FORMATS = frozenset(
    """mov matroska avi asf asf_o flv live_flv ogg rm ivr nut nsv swf
    mpegts mpeg wtv ty pva nuv
    mxf gxf lxf dv r3d mlv cine simbiosis_imx ser
    dhav kux hxvs mxg ifv iv8 lmlm4 luodat ingenient nc mpjpeg
    h261 h263 h264 hevc vvc evc apv av1 obu ivf m4v mpegvideo yuv4mpegpipe
    mjpeg mjpeg_2000 smjpeg vc1 vc1test cavsvideo avs2 avs3 dirac dnxhd
    gif apng flic filmstrip cdxl anm mv film_cpk vivo vividas rpl roq
    bink smk thp psxstr pmp usm xmv mtv moflex mods ipmovie ipu ea
    mp3 wav flac aac""".split()  # noqa: SIM905  a column of a hundred lines reads worse
)
"""FFmpeg's names of the formats that vifi opens; none of them leads to other files.

By row: everyday containers; television; studios and science; surveillance; bare streams, in two rows; older formats and
games, in two rows; sound, so that its reason is that it has no pictures.
"""

TOO_LARGE = f"larger than vifi reads ({MOST_PIXELS / 1e6:.0f} million pixels)"

FRAME_LIMIT = {"max_pixels": str(MOST_PIXELS)}
"""The limit as an option of FFmpeg's decoders, for sizes that a header does not show or that change on the way."""

OPTIONS = {
    "protocol_whitelist": "file",
    "format_whitelist": ",".join(sorted(CONTAINER_FORMATS)),
    **FRAME_LIMIT,
}

ISO_BOXES = {b"ftyp", b"mdat", b"free", b"wide", b"skip", b"moov", b"styp", b"moof", b"uuid"}
HEAD_BYTES = 4096
COMPRESSED_TAR = re.compile(r"\.(tar\.(gz|bz2|xz|zst|lz4)|tgz|tbz2|txz)$", re.IGNORECASE)
PLAYLIST_STARTS = tuple(b"ffconcat #extm3u [playlist] [reference] v=0 rtsp http file concat".split())
PLAYLIST_ELEMENTS = tuple(b"<asx <smil <mpd <playlist <smoothstreamingmedia <assetmap".split())


def open_container(source: SourceFile, path: Path) -> InputContainer:
    """Opens a file for reading.

    Raises:
        UnreadableVideo: FFmpeg cannot read it, or it is not a container of video; the text is the reason.
        VideoOutOfReach: the file cannot be read now.
    """
    if is_shard_name(path):  # FFmpeg may find a video in the middle of it
        raise UnreadableVideo(f"a tar file: name a video in it, such as {path.name}/000000.mp4")
    try:
        container = av.open(source, "r", metadata_errors="replace", options=OPTIONS)
    except av.FFmpegError as error:
        source.check()
        check_memory(error)
        raise UnreadableVideo(_reason_not_opened(path, error)) from error
    source.check()
    return container


def limit_frames(context: VideoCodecContext) -> None:
    """Makes a decoder refuse frames that are too large; raises UnreadableVideo if the file declares such frames."""
    if context.width * context.height > MOST_PIXELS:
        raise UnreadableVideo(f"its frames of {context.width} x {context.height} pixels are {TOO_LARGE}")
    context.options = {**context.options, **FRAME_LIMIT}


def _reason_not_opened(path: Path, error: av.FFmpegError) -> str:
    try:
        boxes = _leading_kinds(path)
        with open_content(path) as file:
            head = file.read(HEAD_BYTES)
    except OSError as problem:
        raise VideoOutOfReach(why_not_opened(problem)) from problem
    if not head:
        return "the file is empty"
    if _is_playlist(head):
        return "a playlist, which names other files: name those instead"
    if COMPRESSED_TAR.search(path.name):
        return "a compressed tar file: uncompress it, and vifi finds the videos in it"
    if is_picture(path):
        return "a picture, not a video"
    if b"ftyp" in boxes and b"moov" not in boxes:
        return "the file is cut off: its index is missing (moov atom not found)"
    if isinstance(error, av.ArgumentError):
        return "its format is not one of video"
    return f"not a video FFmpeg can read: {error.strerror or error}"


def _is_playlist(head: bytes) -> bool:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(b"<"):
        return any(element in text for element in PLAYLIST_ELEMENTS)
    return text.startswith(PLAYLIST_STARTS) and b"\x00" not in head


def _leading_kinds(path: Path) -> set[bytes]:
    """The kinds of the outermost boxes of an MP4 or QuickTime file, up to the first that makes no sense."""
    with open_content(path) as file:
        kinds = (box.kind for box in outermost_boxes(file))
        return set(takewhile(ISO_BOXES.__contains__, kinds))
