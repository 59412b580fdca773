"""Training on concepts: their marked moments become the table that a run reads."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from vifi_cli.api.feedback import Feedback
from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.teaching.labeled_marks import (
    concepts_named,
    labeled_marks,
    marked_moments,
    remarks_on,
    require_contrast,
)
from vifi_cli.data.formats.tables.writing import JSON_LINES
from vifi_cli.data.labeled_videos import LabeledVideos, shows_several_classes
from vifi_cli.data.splits.plan import write_splits
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import RUNS, given_path, searched_index_folder, shown_path, slug
from vifi_cli.wording import counted

MOST_NAMED = 3
"""Concepts in the name of a folder."""


def concept_names(concepts: str | Sequence[str] | None, data: Path | str | None) -> tuple[str, ...]:
    """The names in `a,b,c`, or as a program passes them; raises InvalidInput if data is named too."""
    if concepts is None:
        return ()
    names = concepts.split(",") if isinstance(concepts, str) else concepts
    if data:
        raise InvalidInput("--concepts does not go with --data: the marked moments are the data")
    named = tuple(filter(None, (name.strip() for name in names)))
    if not named:
        raise InvalidInput("--concepts names no concept: `vifi concepts` lists yours")
    return named


def run_folder_of_concepts(names: Sequence[str], output: Path | str | None, *, begins: str = "") -> Path:
    """The folder of a run on concepts: the one given, or a new one under `runs/`, whose name begins so."""
    if output:
        return given_path(output)
    named = "-".join(slug(name) for name in names[:MOST_NAMED])
    return RUNS.absolute() / f"{begins}{named}-{datetime.now():%Y%m%d-%H%M%S}"


def table_suffix(videos: LabeledVideos) -> str:
    """How the name of a table of marked moments ends: only JSONL holds moments of several concepts."""
    return JSON_LINES if shows_several_classes(videos.train) else ".csv"


def clips_of_concepts(names: Sequence[str], folder: Path, feedback: Feedback) -> Path:
    """Writes the marked moments of concepts to a table beside a run's folder, and returns its path.

    Raises:
        InvalidInput: a concept does not exist, or its marks give a model nothing to tell apart.
    """
    with SearchSession(searched_index_folder(), feedback) as session:
        marked = marked_moments(session.index.catalog, concepts_named(session, names))
    videos = labeled_marks(marked, folder.name)
    require_contrast(marked, videos)
    table = folder.with_name(f"{folder.name}-clips{table_suffix(videos)}")
    table.parent.mkdir(parents=True, exist_ok=True)
    write_splits(videos, table)
    for remark in remarks_on(marked, videos):
        feedback.note(remark)
    feedback.note(f"{counted(len(videos.train), 'marked moment')} written to {shown_path(table)}")
    return table
