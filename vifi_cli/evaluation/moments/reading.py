"""Reads queries with their true windows; the content of a file shows its format."""

import json
from collections.abc import Iterator
from pathlib import Path

from vifi_cli.data.formats.annotation_files.structured_file import check_size, load_json, object_in
from vifi_cli.data.formats.text_file import numbered_lines, read_text
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.moments.annotations import (
    Entry,
    entries_of,
    read_activitynet_captions,
    read_charades_sta,
    read_didemo,
    read_qvhighlights,
)
from vifi_cli.evaluation.moments.queries import MomentQueries
from vifi_cli.evaluation.moments.table import read_objects, read_table


def read_moment_queries(path: Path) -> MomentQueries:
    """Reads a table of your own, or the annotations of QVHighlights, Charades-STA, ActivityNet Captions or DiDeMo.

    Raises:
        InvalidInput: it cannot be read, or is none of these; the message names the line.
    """
    check_size(path)
    text = read_text(path).lstrip()
    first_line = text.partition("\n")[0]
    if text.startswith("[") or (text.startswith("{") and not _is_object(first_line)):
        content = load_json(path)
        return (
            _of_objects(path, [*entries_of(content, path)])
            if isinstance(content, list)
            else _of_videos(path, content)
        )
    if text.startswith("{"):
        content = json.loads(first_line)
        if any(isinstance(value, dict) for value in content.values()):
            return _of_videos(path, load_json(path))
        return _of_objects(path, [*_json_lines(path)])
    return read_charades_sta(path) if "##" in first_line else read_table(path)


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _of_objects(path: Path, entries: list[Entry]) -> MomentQueries:
    keys = entries[0][0].keys() if entries else ()
    if "qid" in keys or "relevant_windows" in keys:
        return read_qvhighlights(path, entries)
    if "times" in keys and "description" in keys:
        return read_didemo(path, entries)
    return read_objects(path, entries)


def _of_videos(path: Path, content: object) -> MomentQueries:
    videos = object_in(content, str(path))
    if not all(isinstance(each, dict) and "timestamps" in each for each in videos.values()):
        raise InvalidInput(
            f"{path} is neither ActivityNet Captions nor a list of queries: name a CSV with file,query,start,end"
        )
    return read_activitynet_captions(path, videos)


def _json_lines(path: Path) -> Iterator[Entry]:
    for number, line in numbered_lines(path):
        where = f"{path}, line {number}"
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(
                f"{where} is not JSON: {getattr(error, 'msg', 'too many brackets')}"
            ) from error
        yield object_in(entry, where), where
