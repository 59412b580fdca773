"""What a model predicted for each video of a test, a flat row each: for pandas and for files."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath

import numpy as np

from vifi_cli.data.labeled_videos import LabeledVideo, shows_several_classes
from vifi_cli.evaluation.scoring.predictions import TOP_K, Predictions, most_probable
from vifi_cli.evaluation.testing.views import ScoreConditions

PredictionRow = dict[str, object]
"""The cells of a video by `COLUMNS`; None where there is nothing."""
OTHERS = range(2, TOP_K + 1)
COLUMNS = (
    *("method", "data", "part", "path", "start", "end", "group", "true"),
    *("predicted", "probability", "correct", "true_probability"),
    *(f"{name}_{place}" for place in OTHERS for name in ("predicted", "probability")),
    *("classes", "frames", "views", "unreadable"),
)


def prediction_rows(
    test: Mapping[str, str],
    class_names: Sequence[str],
    predictions: Predictions,
    videos: Sequence[LabeledVideo],
    conditions: ScoreConditions | None = None,
) -> Iterator[PredictionRow]:
    """A row per video of a test, in the order of its list; `test` has `method`, `data` and `part`.

    `predicted` is the most probable class, and of equally probable ones not the true one, as in the scores.
    `probability` is its probability, `true_probability` that of the true class. `classes` is how many there were to
    choose from. Where some video of the test shows several classes, `true` is a list, and neither `correct` nor
    `true_probability` applies. A video that could not be read has the reason in `unreadable` and no prediction.
    """
    has_several = shows_several_classes(videos)
    places = {video: place for place, video in enumerate(predictions.videos.tolist())}
    reasons = dict(predictions.unreadable)
    same: PredictionRow = {name: readable(text) for name, text in test.items()}
    tested = {
        "classes": len(class_names),
        "frames": conditions.frames if conditions else None,
        "views": str(conditions.views) if conditions else None,
    }
    for number, video in enumerate(videos):
        true = [class_names[label] for label in video.labels]
        row: PredictionRow = dict.fromkeys(COLUMNS) | same | tested
        row |= {"path": readable(video.path), "group": readable(video.group) or None}
        row["true"] = true if has_several else true[0]
        if video.is_moment:
            end = video.part.end_seconds
            row |= {"start": video.part.start_seconds, "end": end if math.isfinite(end) else None}
        if number in places:
            probabilities = predictions.probabilities[places[number]]
            row |= _guesses(probabilities, video, class_names, has_several=has_several)
        elif number in reasons:
            row["unreadable"] = readable(reasons[number])
        yield row


def _guesses(
    probabilities: "np.ndarray[tuple[int], np.dtype[np.float32]]",
    video: LabeledVideo,
    class_names: Sequence[str],
    *,
    has_several: bool,
) -> PredictionRow:
    """The most probable classes of a video with their probabilities, and how the true class fares."""
    best = most_probable(probabilities, video.labels, TOP_K)
    row: PredictionRow = {}
    for place, label in enumerate(best, 1):
        end = f"_{place}" if place > 1 else ""
        row |= {f"predicted{end}": class_names[label], f"probability{end}": exact(probabilities[label])}
    if not has_several:
        row |= {"correct": best[0] == video.label, "true_probability": exact(probabilities[video.label])}
    return row


def exact(probability: np.float32) -> float:
    """A probability with as few digits as tell it from others: 0.1, not 0.10000000149011612."""
    return float(str(probability))


def readable(text: str | PurePath) -> str:
    r"""Text that is valid UTF-8: bytes of a file's name that are not become escapes such as `\xff`."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")
