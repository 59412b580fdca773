"""Answers as documents for programs: what `--json` prints, the web API sends, and `vifi mcp` returns."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from vifi_cli.api.timeline.timeline import Occurrence
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.catalog.records import CatalogedVideo
from vifi_cli.index.search.video_index import SearchHit, StepMoment
from vifi_cli.index.summary import IndexSummary

TIME_DIGITS = 3
NUMBER_DIGITS = 4
NANOSECONDS = 10**9

Document = dict[str, Any]


def hit_document(hit: SearchHit) -> Document:
    """A hit: its moment in seconds, and how well it matches."""
    document = {"path": str(hit.path), **match_document(hit), "unsure": hit.unsure}
    if hit.duplicates is not None:
        document["duplicates"] = hit.duplicates
    if hit.marked:
        document["marked"] = hit.marked
    if hit.steps:
        document["steps"] = [{"query": step.query, **match_document(step)} for step in hit.steps]
    return document


def match_document(found: SearchHit | StepMoment | Occurrence) -> Document:
    """When something was found in a video, and how well it matches."""
    return {
        "start_seconds": round(found.start_seconds, TIME_DIGITS),
        "end_seconds": round(found.end_seconds, TIME_DIGITS),
        "relevance": None if found.relevance is None else round(found.relevance, NUMBER_DIGITS),
        "cosine": round(found.cosine, NUMBER_DIGITS),
    }


def named_hits(
    catalog: Catalog, hits: Sequence[SearchHit], names: Callable[[SearchHit, CatalogedVideo], Document]
) -> list[Document]:
    """Hits with what names each to a program; those whose video has just left the index are omitted."""
    videos = catalog.videos_at(hit.path for hit in hits)
    return [hit_document(hit) | names(hit, videos[hit.path]) for hit in hits if hit.path in videos]


def answer_document(query: str, model: str, hits: Iterable[Document]) -> Document:
    """The answer to a search: the query as it was asked, and the model that read it."""
    return {"query": query, "model": model, "hits": list(hits)}


def video_document(video: CatalogedVideo) -> Document:
    """An indexed video."""
    return {
        "path": str(video.path),
        "duration_seconds": round(video.duration_seconds, TIME_DIGITS),
        "width": video.width,
        "height": video.height,
        "codec": video.codec,
        "size_bytes": video.size_bytes,
        "modified": _instant(video.modified_ns),
    }


def summary_document(summary: IndexSummary) -> Document:
    """What an index holds, and what it could not read."""
    made_with = summary.indexed_with
    return {
        "folder": str(summary.folder),
        "model": made_with.model,
        "frames_per_second": made_with.frames_per_second,
        "minimum_frames": made_with.minimum_frames,
        "clip_frames": made_with.clip_frames,
        "clip_seconds": made_with.clip_seconds,
        "roots": [{"path": str(root), "videos": count} for root, count in summary.roots],
        "videos": summary.videos,
        "video_seconds": round(summary.video_seconds, TIME_DIGITS),
        "frames": summary.frames,
        "windows": summary.windows,
        "size_bytes": summary.size_bytes,
        "failed": [{"path": str(f.file.path), "reason": f.reason} for f in summary.failures],
        "out_of_reach": [{"path": str(f.file.path), "reason": f.reason} for f in summary.postponed],
        "partly_read": [{"path": str(path), "reason": reason} for path, reason in summary.partly_read],
        "concepts": list(summary.concepts),
        "concepts_problem": summary.concepts_problem or None,
    }


def _instant(nanoseconds: int) -> str | None:
    """A time as ISO 8601 in UTC, to the second; None for a year that cannot be written."""
    try:
        return datetime.fromtimestamp(nanoseconds // NANOSECONDS, UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return None
