"""Whether a file may be a video: by its name, or if that does not say by its first bytes."""

import re
from pathlib import Path, PurePath
from typing import Literal

from vifi_cli.video.files.motion_photos import MOTION_PHOTO_NAME, film_start
from vifi_cli.video.files.signatures import content_of, looks_like_video

__all__ = [
    "Verdict",
    "is_system_folder",
    "judge",
    "looks_like_video",
    "may_be_video",
    "suffix_of",
]

Verdict = Literal["video", "not_video", "only_sound", "low_resolution", "unfinished", "unreadable"]

VIDEO_SUFFIXES = frozenset(
    """.264 .265 .266 .360 .3g2 .3gp .3gp2 .3gpp .3gpp2 .amv .asf .av1 .avc .avi .avs2 .avs3 .bik .cdxl .cine
    .dav .dif .divx .dv .dvr-ms .dvx .evo .f4p .f4v .flc .fli .flv .gvi .gxf .h261 .h263 .h264 .h265 .h266
    .h26l .h26x .hdmov .hevc .ifv .insv .ismv .ivf .ivr .k3g .kux .lxf .m1v .m2p .m2t .m2ts .m2v .m4v .mj2
    .mjpeg .mjpg .mk3d .mkv .mlv .moflex .mov .mp4 .mp4v .mpe .mpeg .mpeg1 .mpeg2 .mpeg4 .mpg .mpg2 .mpg4
    .mpv .mpv2 .mqv .mts .mxf .nsv .nut .nuv .obu .ogm .ogv .pmf .pss .pva .qt .r3d .rm .rmvb .roq .rv .sfd
    .skm .smk .smv .ssif .svi .tod .trp .tts .usm .vc1 .viv .vivo .vob .vp6 .vp8 .vp9 .vro .vvc .webm .wm
    .wmv .wtv .xesc .xmv .xvid .y4m""".split()  # noqa: SIM905  a column reads worse
)
"""Suffixes of videos and hardly anything else; animated pictures (.gif, .webp, .apng) are not among them."""

PICTURE_SUFFIXES = frozenset(
    """.apng .avif .bmp .gif .heic .heif .ico .j2k .jfif .jp2 .jpe .jpeg .jpg .pbm .pgm .png .ppm .tga .tif .tiff
    .webp""".split()  # noqa: SIM905  a column of twenty lines reads worse
)
"""Suffixes of pictures, whether or not vifi can read them."""

AMBIGUOUS_SUFFIXES = frozenset(
    """.dat .mod .mp .ogg .ogx .ps .rec .seq .str .tivo .tp .ts .ty .ty+ .vdr""".split()  # noqa: SIM905
) | {""}
"""Suffixes that videos share with other files: `.ts` is TypeScript too. The first bytes decide, however small it is."""

LOW_RESOLUTION_SUFFIXES = frozenset({".lrf", ".lrv"})
LOW_RESOLUTION_NAME = re.compile(r"lrv_\d{8}_\d{6}", re.IGNORECASE)
"""Cameras write small copies beside their recordings; those of Insta360 have the suffix of the recordings."""

UNFINISHED_SUFFIXES = frozenset(
    """.!bt .!qb .!ut .aria2 .bc! .crdownload .download .filepart .opdownload .part .partial .td .temp .tmp .unfinished
    .xltd .ytdl""".split()  # noqa: SIM905
)

OTHER_SUFFIXES = PICTURE_SUFFIXES | frozenset(
    f".{name}"
    for name in """3fr ai arw cr2 cr3 crw dcr dng dpx eps erf exr fff gpr hdr insp jxl jxr k25 kdc mef mos
    mpo mrw nef nrw orf pam pcx pef psb psd qoi raf raw rw2 rwl sr2 srf srw svg thm wdp x3f xcf
    3ga aa aac aax ac3 ac4 adts aif aifc aiff alac amr ape au caf dff dsf dts eac3 flac gsm isma
    m2a m4a m4b m4p m4r mid midi mka mlp mp1 mp2 mp3 mpa mpc oga opus ra ram shn snd spx tak thd
    tta voc wav weba wma wv
    ass idx lrc mks sami sbv scc smi srt ssa stl sub sup ttml vtt
    asx bdmv bup clpi cpi cue edl fcpxml ifo ism kdenlive m3u m3u8 m4s mlt mpd mpl mpls otio pls
    prproj wax wpl wvx xspf
    azw azw3 bib chm csv djvu doc docx epub key log md mobi nfo numbers odp ods odt pages pdf pps
    ppt pptx rst rtf tex tsv txt xls xlsm xlsx
    bash bat c cc cfg cmd conf cpp cs css go h hpp htm html ini ipynb java jinja js json jsonl
    jsx lua map mjs php pl plist ps1 py pyc pyi r rb rs sh sql swift tcl toml tsx vue xml xmp
    yaml yml
    7z ace apk bz2 cab deb dmg ear gz img iso jar lz lz4 lzma mdf msi nrg qcow2 rar rpm tar tbz2
    tgz txz vdi vhd vhdx vmdk war whl xz z zip zst
    a blend bin ckpt class db dll dylib exe faiss fbx gguf h5 hdf5 ico lib lnk mat mdb msgpack npy
    npz o obj onnx otf parquet pb pdb pickle pkl pt pth pyd safetensors so sqlite sqlite3 stl tflite
    torrent ttc ttf url wasm woff woff2
    bak~ lock md5 par2 sfv sha1 sha256 sig""".split()  # noqa: SIM905
)
"""Suffixes of pictures, sounds, subtitles, lists, documents, programs, archives and data, which are not opened."""

SYSTEM_FOLDERS = frozenset(
    (
        *("@eadir", "#recycle", "#snapshot", "@tmp", "@sharesnap", "@recycle", "@recently-snapshot"),  # NAS
        *(
            ".@__thumb",
            "~snapshot",
            ".snapshot",
            ".snapshots",
            ".zfs",
            "trashbox",
            "files_trashbin",
            "files_versions",
        ),
        *("$recycle.bin", "recycler", "recycled", "system volume information", "found.000"),  # Windows
        *(
            ".trash",
            ".trashes",
            ".fseventsd",
            ".spotlight-v100",
            ".documentrevisions-v100",
            ".temporaryitems",
        ),  # macOS
        *("network trash folder", "temporary items", "__macosx"),
        *("lost+found", "lost.dir", ".recycle"),  # Linux, Android, Samba
    )
)
"""Folders of thumbnails, trash and snapshots, in lower case."""

LEAST_UNKNOWN_BYTES = 100_000
_AMONG_VERSIONS = re.compile(r"~\d+$")


def judge(path: Path, size_bytes: int) -> Verdict:
    """Whether a file is worth opening as a video; reads its first bytes if the name does not say."""
    suffix = suffix_of(path)
    if suffix in LOW_RESOLUTION_SUFFIXES:
        return "low_resolution"
    if suffix in VIDEO_SUFFIXES:
        return "low_resolution" if LOW_RESOLUTION_NAME.match(path.name) else "video"
    if suffix in UNFINISHED_SUFFIXES:
        return "unfinished"
    if MOTION_PHOTO_NAME.search(path.name):
        return _judge_motion_photo(path)
    is_worth_reading = suffix in AMBIGUOUS_SUFFIXES or (
        suffix not in OTHER_SUFFIXES and size_bytes > LEAST_UNKNOWN_BYTES
    )
    return content_of(path) if is_worth_reading else "not_video"


def _judge_motion_photo(path: Path) -> Verdict:
    try:
        return "not_video" if film_start(path) is None else "video"
    except OSError:
        return "unreadable"


def may_be_video(path: Path) -> bool:
    """Whether a file is worth opening as a video; False if it cannot be seen."""
    try:
        return judge(path, path.stat().st_size) == "video"
    except OSError:
        return False


def suffix_of(path: PurePath) -> str:
    """The suffix in lower case, without the number that phones add for further versions: `.mp` of `PXL.MP~2`."""
    return _AMONG_VERSIONS.sub("", path.suffix.lower())


def is_system_folder(name: str) -> bool:
    """Whether a folder of this name holds thumbnails, trash or snapshots."""
    return name.lower() in SYSTEM_FOLDERS or name.lower().startswith(".trash-")
