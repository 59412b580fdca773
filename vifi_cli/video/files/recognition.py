"""Whether a file may be a video: by its name, or if that is ambiguous by its first bytes."""

from pathlib import Path, PurePath

VIDEO_SUFFIXES = frozenset(
    """.264 .265 .3g2 .3gp .3gpp .amv .asf .av1 .avi .divx .dv .dvr-ms .evo .f4v .flv .h263 .h264 .h265 .hevc .ivf
    .ismv .m1v .m2p .m2t .m2ts .m2v .m4v .mj2 .mjpeg .mjpg .mk3d .mkv .mov .mp4 .mp4v .mpe .mpeg .mpg .mpv .mts
    .mxf .nsv .nut .obu .ogm .ogv .qt .rm .rmvb .tod .trp .vob .vp8 .vp9 .webm .wmv .wtv .xvid .y4m
    """.split()  # noqa: SIM905  a column of sixty lines reads worse
)
"""Suffixes of videos and hardly anything else; animated pictures (.gif, .webp, .apng) are not among them."""

PICTURE_SUFFIXES = frozenset(
    """.apng .avif .bmp .gif .heic .heif .ico .j2k .jfif .jp2 .jpe .jpeg .jpg .pbm .pgm .png .ppm .tga .tif .tiff
    .webp""".split()  # noqa: SIM905  a column of twenty lines reads worse
)
"""Suffixes of pictures, whether or not vifi can read them."""

AMBIGUOUS_SUFFIXES = frozenset({"", ".dat", ".mod", ".ogx", ".ps", ".ts"})
"""Suffixes that videos share with other files: `.ts` is TypeScript too. The first bytes decide."""

HEAD_BYTES = 1024
TRANSPORT_PACKET, TRANSPORT_SYNC = 188, 0x47


def may_be_video(path: Path) -> bool:
    """Whether a file is worth opening as a video; reads its first bytes if the name is ambiguous."""
    suffix = PurePath(path.name).suffix.lower()
    if suffix in VIDEO_SUFFIXES:
        return True
    if suffix not in AMBIGUOUS_SUFFIXES:
        return False
    try:
        with path.open("rb") as file:
            return looks_like_video(file.read(HEAD_BYTES))
    except OSError:
        return False


def looks_like_video(head: bytes) -> bool:
    """Whether a file that begins with these bytes holds video."""
    return (
        head[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"styp"}  # MP4, QuickTime
        or head.startswith(b"\x1aE\xdf\xa3")  # Matroska, WebM
        or (head.startswith(b"RIFF") and head[8:12] == b"AVI ")
        or (head.startswith(b"RIFF") and head[8:12] == b"CDXA")  # Video CD
        or head.startswith((b"FLV\x01", b"OggS", b".RMF", b"YUV4MPEG2", b"DKIF"))
        or head.startswith(b"0&\xb2u\x8ef\xcf\x11")  # ASF, WMV
        or head.startswith((b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3"))  # MPEG program stream, MPEG video
        or _is_transport_stream(head)
    )


def _is_transport_stream(head: bytes) -> bool:
    """MPEG-TS packets begin with the same byte; M2TS puts four bytes of time before each."""
    return any(
        len(head) > start + 3 * step and all(head[start + step * n] == TRANSPORT_SYNC for n in range(4))
        for start, step in ((0, TRANSPORT_PACKET), (4, TRANSPORT_PACKET + 4))
    )
