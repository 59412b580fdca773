"""The indexed videos that people name: by path, by a folder above them, or by a glob."""

from collections.abc import Sequence
from pathlib import Path

from vifi_cli.api.search.video_choice import path_problem
from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.records import CatalogedVideo
from vifi_cli.index.catalog.video_filter import path_matches
from vifi_cli.paths import given_path, is_given_file
from vifi_cli.wording import as_argument


def named_videos(catalog: Catalog, patterns: Sequence[str]) -> list[CatalogedVideo]:
    """The videos whose paths match some of the patterns, by path; the files themselves may be away.

    Raises:
        InvalidInput: no indexed video matches one of the patterns.
    """
    videos = sorted(catalog.videos(), key=lambda video: video.path)
    paths = [video.path for video in videos]
    for pattern in patterns:
        if not any(path_matches(path, pattern) for path in paths):
            raise InvalidInput(_why_none(pattern, paths))
    return [video for video in videos if any(path_matches(video.path, each) for each in patterns)]


def _why_none(pattern: str, paths: Sequence[Path]) -> str:
    path = given_path(pattern)
    if is_given_file(pattern) or path.is_dir():
        holds = "holds no indexed video" if path.is_dir() else "is not in the index"
        return f"{path} {holds}: add it with `vifi index {as_argument(path)}`"
    return path_problem(pattern, paths)
