"""Predictions and true windows in the format of QVHighlights, which its evaluator and others read."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from vifi_cli.evaluation.moments.queries import MomentQuery

SCORE_DIGITS = 9


@dataclass(frozen=True, slots=True)
class PredictedMoment:
    """A moment that a model gives for a query, with its cosine. `video` is as the query file spells it."""

    video: str
    start_seconds: float
    end_seconds: float
    score: float


def submission(
    answers: Iterable[tuple[MomentQuery, Sequence[PredictedMoment]]], *, over_index: bool
) -> bytes:
    """A line per query: `qid`, `query`, `vid` and `pred_relevant_windows`, each window with start, end and score.

    Over an index, the windows are of several videos, so their key is `pred_moments`, and each begins with its video.
    """
    return _lines(
        _asked(query)
        | (
            {"pred_moments": [[each.video, *_window(each)] for each in moments]}
            if over_index
            else {"pred_relevant_windows": [_window(each) for each in moments]}
        )
        for query, moments in answers
    )


def ground_truth(queries: Iterable[tuple[MomentQuery, float]]) -> bytes:
    """A line per query: `qid`, `query`, `vid`, `duration` of the video in seconds, and `relevant_windows`."""
    return _lines(
        _asked(query)
        | {
            "duration": duration,
            "relevant_windows": [[window.start_seconds, window.end_seconds] for window in query.windows],
        }
        for query, duration in queries
    )


def _asked(query: MomentQuery) -> dict[str, Any]:
    return {"qid": query.number, "query": query.text, "vid": query.video}


def _window(moment: PredictedMoment) -> list[float]:
    return [moment.start_seconds, moment.end_seconds, round(moment.score, SCORE_DIGITS)]


def _lines(documents: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in documents)
