"""Moment retrieval: how well the moments of a search match those that queries describe."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, Unpack

from vifi_cli.api.evaluation.evaluate import dated, report_folder, written
from vifi_cli.api.evaluation.request import texts_once
from vifi_cli.api.evaluation.searched.answers import Answers, Scope, answer
from vifi_cli.api.evaluation.searched.moment_facts import facts_of, notes_of
from vifi_cli.api.evaluation.searched.tested_index import (
    MADE_INDEX,
    OWN_INDEX,
    index_in_words,
    indexed_ids,
    own_index,
    temporary_index,
    why_not_indexed,
)
from vifi_cli.api.evaluation.searched.tested_queries import LocatedQueries, answerable, locate
from vifi_cli.api.feedback import AUTOMATIC, Feedback, is_first_process, of_first_process
from vifi_cli.api.library.encoders import EncoderChoice, load_both_sides, load_query_encoder, with_reader
from vifi_cli.api.models.weights import fetch_model
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.moments.predictions import ground_truth, submission
from vifi_cli.evaluation.moments.reading import read_moment_queries
from vifi_cli.evaluation.moments.scoring import MEASURES, estimates_of
from vifi_cli.evaluation.moments.segments import SEGMENT_MEASURES
from vifi_cli.evaluation.report.report import Report
from vifi_cli.evaluation.report.table import ResultRow, ResultTable
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.encoder import TextEncoder
from vifi_cli.paths import given_path, slug, write_file

PREDICTIONS, TRUE_WINDOWS = "predictions-", "true-windows.jsonl"
"""Files beside the report: the predictions of each model, and what they are compared with."""


class MomentOptions(TypedDict, total=False):
    """Options of `evaluate_moments`; all may be omitted."""

    data_root: Path | str | None  # folder of the videos; by default that of the queries, and the setting
    output: Path | str | None  # folder of the report; a new one under `reports/` by default
    device: str  # where encoders run; `auto` by default


@dataclass(frozen=True, slots=True)
class MeasuredMoments:
    """A model's name, what it answered, and the index and towers behind it, in words."""

    name: str
    answers: Answers
    index: str
    protocol: str


def evaluate_moments(
    queries: Path | str,
    models: Path | str | Sequence[Path | str] = (),
    *,
    over_index: bool = False,
    feedback: Feedback = AUTOMATIC,
    **options: Unpack[MomentOptions],
) -> Report:
    """Measure how well a search finds the moments that queries describe, and write a report with all predictions.

    Args:
        queries: a table with the columns `file`, `query`, `start` and `end`, or the annotations of QVHighlights,
            Charades-STA, ActivityNet Captions or DiDeMo.
        models: one row each. The index serves a model if it has all videos, encoded by the same image tower; else the
            videos are indexed in a temporary folder. Without models, the index is measured as `vifi search` uses it.
        over_index: search in all videos for each query, where only moments of its own video count; by default in its
            own video.
        feedback: receives notes and progress.
        options: see `MomentOptions`.

    Raises:
        InvalidInput: the queries make no sense, or none of their videos is on disk or in the index.
        IndexMissing: nothing is indexed, and no model was named.
        EncoderMismatch: the index's own model has changed since.
    """
    if unknown := sorted(options.keys() - MomentOptions.__annotations__.keys()):
        raise TypeError(f"{unknown[0]!r} is not an option of evaluate_moments")
    names = texts_once(models)
    path, root = given_path(queries), options.get("data_root")
    setting = "corpus-moments" if over_index else "moments"
    folder = report_folder(options.get("output"), dated(f"{setting}-{slug(str(path))}"))
    asked = locate(read_moment_queries(path), given_path(root) if root else None)
    if over_index and asked.file.has_segments:
        raise InvalidInput(f"{path}: DiDeMo ranks the segments of one video: use --setting moments")
    tester = _Tester(asked, over_index, options.get("device", "auto"), of_first_process(feedback))
    with own_index(is_needed=not names) as catalog:
        if not names and catalog:
            measured = [tester.own(catalog)]
        else:
            measured = [tester.model(str(model), catalog) for model in names]
    protocols = {one.name: one.protocol for one in measured}
    facts = facts_of(asked, measured[0].answers, protocols, setting, has_models=bool(names))
    report = written(_report(asked, measured, tuple(facts), over_index=over_index), folder)
    if is_first_process():
        _write_predictions(folder, measured, over_index=over_index)
    return report


def _report(
    asked: LocatedQueries,
    measured: Sequence[MeasuredMoments],
    facts: tuple[tuple[str, str], ...],
    *,
    over_index: bool,
) -> Report:
    rows = [
        ResultRow(one.name, estimates_of(one.answers.measures, one.answers.asked.videos), remark=one.index)
        for one in measured
    ]
    return Report(
        title=f"Moments in {'all' if over_index else 'their'} videos by {asked.file.path.name}",
        facts=facts,
        stamps=asked.stamps(),
        table=ResultTable(SEGMENT_MEASURES if asked.file.has_segments else MEASURES, tuple(rows)),
        notes=tuple(notes_of(asked, measured[0].answers)),
    )


@dataclass(frozen=True, slots=True)
class _Tester:
    """Asks indexes the queries that were located."""

    asked: LocatedQueries
    over_index: bool
    device: str
    feedback: Feedback

    def own(self, catalog: Catalog) -> MeasuredMoments:
        """The user's index, as `vifi search` uses it, with all its videos."""
        choice = with_reader(EncoderChoice(device=self.device), catalog.indexed_with)
        text = load_query_encoder(catalog.indexed_with, choice, self.feedback)
        if missing := self._not_indexed(catalog):
            advice = "name their folder with --data-root"
            raise InvalidInput(why_not_indexed(self.asked.file.path, catalog, missing, if_absent=advice))
        return self._measured(catalog, text, text.model_name, OWN_INDEX, is_own_choice=True)

    def model(self, name: str, catalog: Catalog | None) -> MeasuredMoments:
        """A model, in the user's index if that has its embeddings of all videos, else in a temporary one."""
        encoder = load_both_sides(fetch_model(name, self.feedback), self.device, self.feedback)
        is_same = catalog and catalog.indexed_with.vision_fingerprint == encoder.vision_fingerprint
        with ExitStack() as opened:
            if catalog and is_same and not self._not_indexed(catalog):
                return self._measured(catalog, encoder, name, OWN_INDEX)
            videos = tuple(dict.fromkeys(self.asked.paths.values()))
            made = opened.enter_context(temporary_index(videos, encoder, catalog, self.feedback))
            return self._measured(made, encoder, name, MADE_INDEX)

    def _not_indexed(self, catalog: Catalog) -> list[Path]:
        """Videos that are neither in an index nor known there to be unreadable."""
        ids = indexed_ids(self.asked.paths.values(), catalog)
        unreadable = {failed.file.path for failed in catalog.failures()}
        paths = dict.fromkeys(self.asked.paths.values())
        return [path for path in paths if path not in ids and path not in unreadable]

    def _measured(
        self, catalog: Catalog, text: TextEncoder, name: str, index: str, *, is_own_choice: bool = False
    ) -> MeasuredMoments:
        scope: Scope = "own video"
        if self.over_index:
            scope = "index" if is_own_choice else "tested videos"
        answers = answer(answerable(self.asked, catalog), catalog, text, scope, self.feedback)
        return MeasuredMoments(name, answers, index, index_in_words(catalog, text, index))


def _write_predictions(folder: Path, measured: Sequence[MeasuredMoments], *, over_index: bool) -> None:
    """Writes the predictions of each model, and the true windows, for evaluators that read QVHighlights' format."""
    files = dict(_prediction_files(measured, over_index=over_index))
    asked = measured[0].answers.asked
    files[TRUE_WINDOWS] = ground_truth((query, asked.seconds[query.video]) for query in asked.queries)
    for name, content in files.items():
        write_file(folder / name, content)
    for older in {*folder.glob(f"{PREDICTIONS}*.jsonl")} - {folder / name for name in files}:
        older.unlink()


def _prediction_files(
    measured: Sequence[MeasuredMoments], *, over_index: bool
) -> Iterator[tuple[str, bytes]]:
    names = [slug(one.name) for one in measured]
    for number, (one, name) in enumerate(zip(measured, names, strict=True), start=1):
        name = f"{name}-{number}" if names.count(name) > 1 else name
        answers = zip(one.answers.asked.queries, one.answers.moments, strict=True)
        yield f"{PREDICTIONS}{name}.jsonl", submission(answers, over_index=over_index)
