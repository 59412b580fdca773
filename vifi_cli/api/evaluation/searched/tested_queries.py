"""The queries about moments that can be tested here: their videos are on disk, and their windows in the videos."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vifi_cli.api.evaluation.searched.tested_index import indexed_ids
from vifi_cli.data.formats.finding import VideoFinder
from vifi_cli.data.formats.listing import Listing
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.moments.annotations import ACTIVITYNET_CAPTIONS, CHARADES_STA
from vifi_cli.evaluation.moments.queries import TABLE, MomentQueries, MomentQuery
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.search.video_index import TIME_DIGITS
from vifi_cli.settings.settings import load_settings
from vifi_cli.video.moment import TimeRange
from vifi_cli.wording import counted

CUT_AT_THE_END = (TABLE, CHARADES_STA, ACTIVITYNET_CAPTIONS)
"""Where true windows end with their video at the latest. QVHighlights takes them as they are."""

ROUNDED_SECONDS = 1.0
"""How much later than its video a window may end without a remark."""

_YOUTUBE_PREFIX = "v_"  # of the ids in ActivityNet, whose files may lack it


@dataclass(frozen=True, slots=True)
class LocatedQueries:
    """The queries of a file; the paths of their videos, by the names in the file; and the names of missing videos."""

    file: MomentQueries
    paths: Mapping[str, Path]
    missing: tuple[str, ...]

    @property
    def present(self) -> tuple[MomentQuery, ...]:
        """The queries whose video is on disk."""
        return tuple(query for query in self.file.queries if query.video in self.paths)

    def stamps(self) -> tuple[str, ...]:
        """That videos are missing."""
        if not self.missing:
            return ()
        videos, queries = len(self.missing), len(self.file.queries) - len(self.present)
        return (
            f"{videos:,} of {counted(len(self.file.videos()), 'video')} missing, such as {self.missing[0]}: "
            f"{counted(queries, 'query', 'queries')} not tested",
        )


def locate(file: MomentQueries, data_root: Path | None) -> LocatedQueries:
    """Finds the videos under a data root, or without one beside the file and under that of the settings.

    Raises:
        InvalidInput: none is there, or two files fit equally well.
    """
    usual = load_settings().data_root
    folders = [data_root] if data_root else [file.path.parent, *([usual] if usual else [])]
    finder = VideoFinder(folders, Listing((), ()), by_name=True)
    found = {video: _path(video, finder) for video in file.videos()}
    paths = {video: path for video, path in found.items() if path}
    if not paths:
        first = file.queries[0]
        raise InvalidInput(
            f"{first.where}: {first.video} is not under {' or '.join(map(str, folders))}, nor is any other video of "
            "the file: name their folder with --data-root"
        )
    return LocatedQueries(file, paths, tuple(video for video, path in found.items() if path is None))


def _path(video: str, finder: VideoFinder) -> Path | None:
    path = finder.find(str(Path(video).expanduser()), "")
    if path is None and video.startswith(_YOUTUBE_PREFIX):
        return finder.find(video.removeprefix(_YOUTUBE_PREFIX), "")
    return path


@dataclass(frozen=True, slots=True)
class AnswerableQueries:
    """The queries whose videos an index has, with true windows inside them.

    `ids` and `seconds` are the index's ids of their videos and the lengths, by the names in the file. `names` are those
    of all its videos, by id. `unreadable` names the videos that the index could not read.
    """

    queries: tuple[MomentQuery, ...]
    ids: Mapping[str, int]
    seconds: Mapping[str, float]
    names: Mapping[int, str]
    unreadable: tuple[str, ...]
    remarks: tuple[str, ...] = ()  # on windows that were not inside

    @property
    def videos(self) -> tuple[str, ...]:
        """The video of each query, one text for each video, however the file spells it."""
        return tuple(self.names[self.ids[query.video]] for query in self.queries)


def answerable(asked: LocatedQueries, catalog: Catalog) -> AnswerableQueries:
    """The queries that an index can answer.

    Raises:
        InvalidInput: none, or a window of a table of your own begins after its video ends.
    """
    by_path = indexed_ids(asked.paths.values(), catalog)
    ids = {video: by_path[path] for video, path in asked.paths.items() if path in by_path}
    unreadable = tuple(video for video in asked.paths if video not in ids)
    if not ids:
        raise InvalidInput(f"{asked.file.path}: no video can be read, such as {asked.paths[unreadable[0]]}")
    videos = catalog.videos()
    durations = {video.id: round(video.duration_seconds, TIME_DIGITS) for video in videos}
    names = {video.id: str(video.path) for video in videos} | {number: video for video, number in ids.items()}
    seconds = {video: durations[number] for video, number in ids.items()}
    readable = [query for query in asked.present if query.video in ids]
    queries, remarks = fit_to_videos(readable, seconds, asked.file.source)
    if not queries:
        raise InvalidInput(f"{asked.file.path}: all true windows begin after their videos end")
    return AnswerableQueries(queries, ids, seconds, names, unreadable, remarks)


def fit_to_videos(
    queries: Sequence[MomentQuery], seconds: Mapping[str, float], source: str
) -> tuple[tuple[MomentQuery, ...], tuple[str, ...]]:
    """Cuts true windows at the ends of their videos, of lengths in seconds, and omits those that begin after it.

    Returns the queries that keep a window, and remarks.

    Raises:
        InvalidInput: a window of a table of your own begins after its video ends.
    """
    if source not in CUT_AT_THE_END:
        return tuple(queries), ()
    fitted, omitted, cut = [], [], []
    for query in queries:
        end, windows = seconds[query.video], []
        for window in query.windows:
            if window.start_seconds >= end and source == TABLE:
                raise InvalidInput(
                    f"{query.where}: the window begins at {window.start_seconds:g} s, but {query.video} ends at "
                    f"{end:g} s; write times in seconds"
                )
            if window.start_seconds >= end:
                omitted.append(query.where)
                continue
            cut += [query.where] if window.end_seconds > end + ROUNDED_SECONDS else []
            windows.append(TimeRange(window.start_seconds, min(window.end_seconds, end)))
        if windows:
            fitted.append(replace(query, windows=tuple(windows)))
    return tuple(fitted), tuple(_remarks(omitted, cut))


def _remarks(omitted: Sequence[str], cut: Sequence[str]) -> list[str]:
    remarks = []
    if omitted:
        remarks.append(
            f"{counted(len(omitted), 'true window')} omitted that begin after the video ends, such as {omitted[0]}."
        )
    if cut:
        remarks.append(
            f"{counted(len(cut), 'true window')} cut at the end of the video, such as {cut[0]}: check that the video "
            "is the one that was annotated."
        )
    return remarks
