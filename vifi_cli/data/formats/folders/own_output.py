"""Films and clips that vifi made itself, which are not part of the data that they were made from."""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import av

from vifi_cli.video.export.movie import DRAWN

CUT_CLIPS = "clips"
CUT_CLIP = re.compile(r"\d{2,}-.+-(\d+h)?\d+m\d\ds")
"""Where `vifi cut` writes by default, and how it names clips: `01-dog-0m04s`."""

ATTENTION = "attention"
"""Where `vifi attention` writes by default, each film beside its sheet, a PNG of the same name."""

_OUTPUT = {
    "runs": ("*/config.toml", "*/*/config.toml"),
    "reports": ("*/report.json", "*/*/config.toml", "*/*/*/config.toml", "*/embed-map.html"),
}
"""Files by which the folders of runs and reports are recognized, by the folder's name."""

_DATA_FOLDER = ("index/catalog.sqlite3", ".access-rights")
"""Files by which the folder of vifi's data is recognized, which holds previews and the clips of `vifi demo`."""


def is_output_folder(folder: Path) -> bool:
    """Whether a folder holds runs, reports or vifi's own data, because vifi was used in the data."""
    return any((folder / name).is_file() for name in _DATA_FOLDER) or any(
        any(folder.glob(pattern)) for pattern in _OUTPUT.get(folder.name, ())
    )


def drawn_and_cut(videos: Sequence[Path]) -> set[Path]:
    """Films of `vifi attention` and clips of `vifi cut` among videos."""
    by_folder: defaultdict[Path, list[Path]] = defaultdict(list)
    for video in videos:
        by_folder[video.parent].append(video)
    return {
        video
        for folder, members in by_folder.items()
        if _are_cut_clips(folder, members) or _are_films(folder, members)
        for video in members
    }


def _are_cut_clips(folder: Path, videos: Sequence[Path]) -> bool:
    return folder.name == CUT_CLIPS and all(CUT_CLIP.fullmatch(video.stem) for video in videos)


def _are_films(folder: Path, videos: Sequence[Path]) -> bool:
    """Whether each video has a sheet beside it, and the folder or the first film says whose they are."""
    if not all(video.suffix == ".mp4" and video.with_suffix(".png").is_file() for video in videos):
        return False
    return folder.name == ATTENTION or _comment(videos[0]) == DRAWN


def _comment(film: Path) -> str:
    try:
        with av.open(str(film)) as container:
            return container.metadata.get("comment", "")
    except (av.FFmpegError, OSError):
        return ""
