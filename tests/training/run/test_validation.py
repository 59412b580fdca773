"""The scores of validation: which there are, and which decides on the best epoch."""

from pathlib import Path

import numpy as np
import pytest

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.evaluation.scoring.predictions import Predictions
from vifi_cli.training.run.validation import scores_of


def test_videos_of_one_class_each_have_accuracies() -> None:
    videos = tuple(LabeledVideo(Path(f"/{place}"), label) for place, label in enumerate((0, 0, 0, 1)))
    shares = np.full((4, 6), 0.1, np.float32)
    shares[:, 0] = 0.5
    scores = scores_of(Predictions(np.arange(4), shares), videos, "val")
    assert (scores.top1, scores.mean_class_accuracy, scores.top5) == (0.75, 0.5, 0.75)
    assert (scores.measure, scores.value) == ("top-1", 0.75)
    assert scores.in_words == "top-1 75.0%, mean class 50.0%, top-5 75.0%"
    few = scores_of(Predictions(np.arange(4), shares[:, :5]), videos, "val")
    assert few.top5 is None, "five classes or fewer"


def test_videos_of_several_classes_have_a_mean_average_precision() -> None:
    videos = (
        LabeledVideo(Path("/a"), 0, more_labels=(1,)),
        LabeledVideo(Path("/b"), 1),
        LabeledVideo(Path("/c"), 2),
    )
    shares = np.array([[0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.7, 0.2, 0.1]], np.float32)
    scores = scores_of(Predictions(np.arange(3), shares), videos, "val")
    # class 0: second of three; class 1: first and second; class 2: three equal scores, so last
    assert scores.value == pytest.approx((1 / 2 + 1 + 1 / 3) / 3)
    assert (scores.top1, scores.top5, scores.mean_class_accuracy) == (None, None, None)
    assert scores.in_words == f"mAP {scores.value:.1%}"


def test_only_readable_videos_count() -> None:
    videos = (LabeledVideo(Path("/a"), 0), LabeledVideo(Path("/b"), 1))
    shares = np.array([[0.2, 0.8]], np.float32)
    scores = scores_of(Predictions(np.array([1]), shares, ((0, "broken"),)), videos, "test")
    assert (scores.top1, scores.videos, scores.unreadable) == (1.0, 1, 1)
    nothing = scores_of(Predictions(np.zeros(0, np.int64), shares[:0], ((0, "x"), (1, "x"))), videos, "test")
    assert (nothing.value, nothing.videos, nothing.unreadable) == (0.0, 0, 2)
