"""Samples and choices: shares of several classes, and the setting that scores best, without the test videos."""

from pathlib import Path

import numpy as np

from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.training.heads.samples import HeadSamples, best_setting

LOW, HIGH = np.array([0.6, 0.4], np.float32), np.array([0.9, 0.1], np.float32)


def samples(shares: list[list[float]], units: str = "") -> HeadSamples:
    count = len(shares)
    return HeadSamples(
        np.eye(count, dtype=np.float32), np.array(shares, np.float32), tuple(units or "abcdefgh"[:count])
    )


def test_a_video_of_several_classes_counts_for_each_in_equal_shares() -> None:
    videos = [
        LabeledVideo(Path("/v/a.mp4"), 2, more_labels=(0,)),
        LabeledVideo(Path("/v/b.mp4"), 1, group="eve"),
    ]
    made = HeadSamples.of(videos, np.zeros((2, 4), np.float32), 3)
    assert made.shares.tolist() == [[0.5, 0, 0.5], [0, 1, 0]]
    assert made.units == ("/v/a.mp4", "eve")
    assert made.chosen(np.array([False, True])).units == ("eve",)


def test_the_best_score_wins_and_among_equals_the_least_surprised() -> None:
    held = samples([[1, 0], [0, 1]])
    wrong, unsure, sure = np.stack([LOW, LOW]), np.stack([LOW, LOW[::-1]]), np.stack([HIGH, HIGH[::-1]])
    choice = best_setting({"wrong": wrong, "unsure": unsure, "sure": sure}, held, "2 val videos")
    assert choice.setting == "sure"
    assert choice.reason == "chosen on 2 val videos (top-1 100.0%)"
    # one right answer beats a better mean probability
    right, likely = np.array([[0.51, 0.49], [0.51, 0.49]]), np.array([[0.49, 0.51], [0.51, 0.49]])
    held = samples([[1, 0], [1, 0]])
    chosen = best_setting({0: likely.astype(np.float32), 1: right.astype(np.float32)}, held, "x")
    assert chosen.setting == 1


def test_several_classes_are_scored_by_map() -> None:
    held = samples([[0.5, 0.5, 0], [0, 0, 1]])
    good = np.array([[0.5, 0.4, 0.1], [0.1, 0.1, 0.8]], np.float32)
    choice = best_setting({"bad": 1 - good, "good": good}, held, "2 val videos")
    assert (choice.setting, choice.reason) == ("good", "chosen on 2 val videos (mAP 100.0%)")


def test_only_samples_whose_classes_are_known_can_be_answered() -> None:
    known = samples([[1, 0, 0], [0, 1, 0]])
    held = samples([[1, 0, 0], [0, 0, 1], [0.5, 0, 0.5]])
    assert known.has_classes_of(held).tolist() == [True, False, False]
