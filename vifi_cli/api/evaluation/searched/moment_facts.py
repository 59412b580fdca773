"""What a report on moment retrieval says beside its table: the protocol, and what limits the numbers."""

import hashlib
from collections.abc import Iterator, Mapping

from vifi_cli import __version__
from vifi_cli.api.evaluation.searched.answers import Answers
from vifi_cli.api.evaluation.searched.tested_queries import LocatedQueries
from vifi_cli.api.evaluation.testing import DIGEST_SHOWN
from vifi_cli.evaluation.moments.queries import TABLE
from vifi_cli.evaluation.moments.scoring import MOST_PREDICTIONS, RECALL_THRESHOLDS
from vifi_cli.evaluation.report.table import percent_text
from vifi_cli.index.search.folding import LONGEST_MOMENT_SECONDS
from vifi_cli.index.windows import WINDOW_SECONDS
from vifi_cli.wording import counted


def facts_of(
    asked: LocatedQueries, answers: Answers, protocols: Mapping[str, str], setting: str, *, has_models: bool
) -> Iterator[tuple[str, str]]:
    """The protocol, a name and a text each; `protocols` has the index and the towers of each model."""
    file = asked.file
    digest = hashlib.sha256(file.path.read_bytes()).hexdigest()[:DIGEST_SHOWN]
    kind = "" if file.source == TABLE else f" of {file.source}"
    windows = sum(len(query.windows) for query in answers.asked.queries)
    yield "Setting", setting
    yield "Queries", f"{file.path}: {counted(len(file.queries), 'query', 'queries')}{kind}, sha256 {digest}"
    videos = len(set(answers.asked.videos))
    yield (
        "Tested",
        f"{counted(len(answers.asked.queries), 'query', 'queries')} with {counted(windows, 'true window')} in "
        f"{counted(videos, 'video')}",
    )
    if file.has_segments:
        yield "Candidates", "all runs of segments of 5 s, each by the mean of its frames"
        yield "Annotators", "the three that agree best with the ranking count, as published"
    else:
        yield "Searched", _searched(setting, answers, has_models=has_models)
        lengths = ", ".join(f"{seconds:g}" for seconds in WINDOW_SECONDS)
        yield "Moments", f"made of windows of {lengths} s, {LONGEST_MOMENT_SECONDS:g} s at most"
        yield (
            "R1, R5",
            "share of queries whose first moment, or one of five, has this IoU or more with a true window",
        )
        yield "mIoU", "IoU of the first moment with the true window that fits best, averaged over queries"
        yield (
            "mAP",
            f"as QVHighlights' evaluator: first {MOST_PREDICTIONS} moments, each true window found once, interpolated "
            "precision; mAP is the mean over IoU 0.5, 0.55, … 0.95",
        )
    yield "Ties", "count as ranked before the better moment"
    is_over_videos = 1 < videos < len(answers.asked.queries)
    yield "Intervals", f"95 %, Wilson, {f'over {videos:,} videos' if is_over_videos else 'over queries'}"
    for name, protocol in protocols.items():
        yield f"Model {name}", protocol
    yield "vifi", __version__


def _searched(setting: str, answers: Answers, *, has_models: bool) -> str:
    if setting == "moments":
        return "the video of each query, as by `vifi search --path VIDEO --per-video 0 --min-score 0`"
    of_what, searched = "the index", len(answers.asked.names)
    if has_models:
        of_what, searched = "the query file", len(set(answers.asked.ids.values()))
    return f"all {counted(searched, 'video')} of {of_what}, as by `vifi search --min-score 0`"


def notes_of(asked: LocatedQueries, answers: Answers) -> Iterator[str]:
    """What limits the numbers, for the reader of the table."""
    if without_length := asked.file.without_length:
        yield (
            f"{counted(len(without_length), 'true window')} omitted that end before they begin, such as "
            f"{without_length[0]}."
        )
    yield from asked.file.remarks
    if unreadable := answers.asked.unreadable:
        yield f"{counted(len(unreadable), 'video')} cannot be read, such as {unreadable[0]}: their queries are omitted."
    yield from answers.asked.remarks
    if len(answers.reachable):
        recall = ", ".join(
            f"R1@{least} {percent_text(float((answers.reachable >= least).mean()))}"
            for least in RECALL_THRESHOLDS
        )
        yield (
            f"At most {recall} and mIoU {percent_text(float(answers.reachable.mean()))} can be reached, since moments "
            f"start and end with windows and last {LONGEST_MOMENT_SECONDS:g} s at most."
        )
    if len(set(answers.asked.videos)) == 1:
        yield "All queries are about one video: the intervals do not say how well the models do on others."
