"""The tools: each reads the index, and names only videos that are in it; `teach` stores marks beside it."""

import asyncio
import base64
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import mcp_types as types

from vifi_cli.api.feedback import Feedback
from vifi_cli.api.search.hits.documents import (
    TIME_DIGITS,
    Document,
    answer_document,
    named_hits,
    summary_document,
    video_document,
)
from vifi_cli.api.search.kept_encoders import LoadTextEncoder
from vifi_cli.api.search.query_language import within
from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.search.video_choice import VideoChoice, video_filter
from vifi_cli.api.teaching.beginning import teach
from vifi_cli.api.teaching.candidates import candidates
from vifi_cli.api.teaching.report import teaching_report
from vifi_cli.errors import InvalidInput, UnreadableVideo
from vifi_cli.index.catalog.records import CatalogedVideo
from vifi_cli.index.catalog.video_filter import VideoFilter
from vifi_cli.index.catalog.video_list import list_videos
from vifi_cli.index.search.query import Example
from vifi_cli.index.search.ranking import RankingOptions
from vifi_cli.index.search.threshold import shown_among
from vifi_cli.index.search.video_index import SearchHit
from vifi_cli.index.summary import summarize
from vifi_cli.mcp_server.answers import result_of, shortened
from vifi_cli.mcp_server.arguments import (
    CutClip,
    Hits,
    ListVideos,
    NoArguments,
    Search,
    Seen,
    ShowFrame,
    Similar,
    Teach,
    Videos,
)
from vifi_cli.mcp_server.clips_folder import ClipsFolder
from vifi_cli.mcp_server.pictures import FramePicture, make_frame_picture
from vifi_cli.video.export.clip import Clip, write_clip
from vifi_cli.video.moment import Moment, TimeRange
from vifi_cli.web.media.clocks import Clocks
from vifi_cli.web.media.render_processes import Renderers
from vifi_cli.web.media.renderings import LONGEST_CLIP_SECONDS
from vifi_cli.web.requests.address import cursor_after, key_of, parse_key, path_in_cursor, video_by_key
from vifi_cli.web.requests.index_reader import IndexReader, why_out_of_reach
from vifi_cli.web.requests.named_values import check_hit_unit
from vifi_cli.web.requests.question import query_of

STALL_SECONDS = 60.0
"""Without progress, after which a video counts as one that hangs the decoder."""


class Tools:
    """What the tools do. Belongs to one event loop; searches run in one thread, all else in others."""

    def __init__(
        self, index_folder: Path, clips: ClipsFolder, feedback: Feedback, load_text_encoder: LoadTextEncoder
    ) -> None:
        """Opens nothing yet: index and model are loaded when a tool first needs them."""
        self._searching, self._library = (
            IndexReader(
                SearchSession(index_folder, feedback, load_text_encoder=load_text_encoder, opens_files=False)
            )
            for _ in range(2)
        )
        self._clips = clips
        self._lookers, self._cutters = Renderers(2, STALL_SECONDS), Renderers(1, STALL_SECONDS)
        self._clocks = Clocks(self._library, self._lookers)

    def close(self) -> None:
        """Ends threads and processes."""
        for opened in (self._searching, self._library, self._lookers, self._cutters):
            opened.close()

    async def search(self, given: Search) -> types.CallToolResult:
        """Moments or videos that match a description."""
        options = _ranking(given)

        def look(session: SearchSession) -> Document:
            length = None if given.within_seconds is None else f"{given.within_seconds:f}"
            query = within(query_of(session, given.query), length, "`within_seconds`")
            return _answer(session, query.text, given, session.find(query, options))

        return result_of(await self._searching.read(look))

    async def similar(self, given: Similar) -> types.CallToolResult:
        """Moments or videos that look like an example."""
        options, part = _ranking(given), _part(given)

        def look(session: SearchSession) -> Document:
            video = _video(session, given.video)
            found = session.find_like(session.see(Example(video.path, part)), options)
            return _answer(session, given.video, given, found)

        return result_of(await self._searching.read(look))

    async def teach(self, given: Teach) -> types.CallToolResult:
        """What marks have taught, and the moments to mark next."""

        def learn(session: SearchSession) -> Document:
            right, wrong = (
                [_seen(session, each) for each in moments] for moments in (given.right, given.wrong)
            )
            taught = teach(session, given.name, given.description, right=right, wrong=wrong)
            report = teaching_report(taught.concept)
            asked = candidates(session, report.name, given.top) if given.top else []
            return {
                "name": report.name,
                "description": report.description,
                "right": report.right,
                "wrong": report.wrong,
                "progress": f"{report.result}; {report.advice}",
                "candidates": _named(session, asked),
            }

        return result_of(await self._searching.read(learn))

    async def status(self, _: NoArguments) -> types.CallToolResult:
        """What is indexed."""
        summary = await asyncio.to_thread(summarize, self._library.folder)
        return result_of(shortened(summary_document(summary)))

    async def list_videos(self, given: ListVideos) -> types.CallToolResult:
        """The indexed videos, some at a time."""
        among, after = _filter(given), None if given.after is None else path_in_cursor(given.after)
        page = await self._library.read(
            lambda session: list_videos(session.index.catalog, among, given.limit, after)
        )
        following = None if page.next_after is None else cursor_after(page.next_after)
        listed = [video_document(video) | {"key": str(key_of(video))} for video in page.videos]
        return result_of({"total": page.total, "videos": listed, "next": following})

    async def cut_clip(self, given: CutClip) -> types.CallToolResult:
        """A new file with a part of a video."""
        video = await self._reachable(given.video)
        length = given.end_seconds - given.start_seconds
        if not 0 < length <= LONGEST_CLIP_SECONDS:
            raise InvalidInput(
                f"a clip ends 0 to {LONGEST_CLIP_SECONDS} seconds after its start, not {length:g}"
            )
        _check_within(video, given.start_seconds)
        end = min(given.end_seconds, video.duration_seconds)
        moment = Moment(video.path, given.start_seconds, end, clock=await self._clocks.of(video))
        with self._clips.new_clip(moment) as (target, temporary):
            clip = await self._cutters.run(partial(write_clip, moment, temporary), Clip)
        return result_of(
            {
                "clip": str(target),
                "path": str(video.path),
                "key": str(key_of(video)),
                "start_seconds": round(clip.start_seconds, TIME_DIGITS),
                "end_seconds": round(clip.end_seconds, TIME_DIGITS),
                "has_sound": clip.has_sound,
                "remarks": list(clip.remarks),
            }
        )

    async def show_frame(self, given: ShowFrame) -> types.CallToolResult:
        """A frame of a video, as a picture."""
        video = await self._reachable(given.video)
        _check_within(video, given.seconds)
        clock = await self._clocks.of(video)
        job = partial(make_frame_picture, video.path, given.seconds, given.max_height, clock)
        made = await self._lookers.run(job, FramePicture)
        picture = types.ImageContent(data=base64.b64encode(made.jpeg).decode(), mime_type="image/jpeg")
        document = {
            "path": str(video.path),
            "key": str(key_of(video)),
            "seconds": round(given.seconds, TIME_DIGITS),
            "width": made.width,
            "height": made.height,
        }
        return result_of(document, picture)

    async def _reachable(self, name: str) -> CatalogedVideo:
        """An indexed video whose file can be opened."""
        video = await self._library.read(lambda session: _video(session, name))
        hidden = await asyncio.to_thread(why_out_of_reach, video.path)
        if hidden:
            raise UnreadableVideo(f"{video.path}: {hidden}")
        return video


def _video(session: SearchSession, name: str) -> CatalogedVideo:
    """The indexed video with a key or a path; raises InvalidInput if there is none."""
    catalog, key = session.index.catalog, parse_key(name)
    if not key and not session.files.exists(name):
        raise InvalidInput(
            f"{name} is not an indexed video: give a path or a key from an answer of search or list_videos"
        )
    video = video_by_key(catalog, key) if key else catalog.video_at(session.files.path(name))
    if video is None:
        raise InvalidInput(f"{name} is not in the index any more: search for it again")
    return video


def _part(given: Similar) -> TimeRange | None:
    """The part of the example's video; None for all of it."""
    if given.start_seconds is None and given.end_seconds is None:
        return None
    start, end = given.start_seconds or 0.0, math.inf if given.end_seconds is None else given.end_seconds
    if end <= start:
        raise InvalidInput(
            "`end_seconds` is not after `start_seconds`: give the end of the example, or omit both"
        )
    return TimeRange(start, end, start)


def _filter(given: Videos) -> VideoFilter:
    choice = VideoChoice(path=given.path, newer=given.newer, older=given.older)
    longest = math.inf if given.max_seconds is None else given.max_seconds
    if given.min_seconds > longest:
        raise InvalidInput("`max_seconds` is below `min_seconds`: change one of the two")
    among = video_filter(choice, "`{}`".format)
    return replace(among, shortest_seconds=given.min_seconds, longest_seconds=longest)


def _ranking(given: Hits) -> RankingOptions:
    check_hit_unit(given.by, gives_per_video="per_video" in given.model_fields_set)
    return RankingOptions(
        top=given.top,
        by=given.by,
        per_video=given.per_video,
        among=_filter(given),
        fold_duplicates=given.dedupe,
    )


def _answer(session: SearchSession, query: str, given: Hits, found: Sequence[SearchHit]) -> Document:
    hits = shown_among(found, given.min_score, with_unsure=given.unsure)
    return answer_document(query, session.reader(), _named(session, hits))


def _named(session: SearchSession, hits: Sequence[SearchHit]) -> list[Document]:
    return named_hits(session.index.catalog, hits, lambda _, video: {"key": str(key_of(video))})


def _seen(session: SearchSession, given: Seen) -> Moment:
    video = _video(session, given.video)
    _check_within(video, given.start_seconds)
    return Moment(video.path, given.start_seconds, given.end_seconds)


def _check_within(video: CatalogedVideo, seconds: float) -> None:
    if seconds >= video.duration_seconds:
        raise InvalidInput(
            f"{video.path.name} ends after {video.duration_seconds:.3f} seconds: choose an earlier time"
        )
