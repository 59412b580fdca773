"""What training shows in the end."""

from pathlib import Path

import pytest

from vifi_cli.api.training.run import epoch_in_words
from vifi_cli.cli.training.result import show_result
from vifi_cli.training.run.reports import EpochReport, RunResult, Scores


def test_only_a_model_with_test_videos_comes_with_the_command_that_tests_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    score, run = Scores("test", 0.5, 1.0, 4), Path("/runs/a")
    tested = RunResult(run, run / "best", str(run / "best"), 2, score, score, score)
    untested = RunResult(run, run / "best", str(run / "best"), 2, None, None, None)
    show_result(tested, as_json=False)
    assert "vifi eval --model /runs/a/best" in capsys.readouterr().out
    show_result(untested, as_json=False)
    shown = capsys.readouterr().out
    assert "vifi eval" not in shown
    assert "vifi index --rebuild --model /runs/a/best" in shown


def test_top_5_is_left_out_where_it_is_always_100_percent(capsys: pytest.CaptureFixture[str]) -> None:
    score, run = Scores("val", 0.5, 1.0, 4), Path("/runs/a")
    for classes in (5, 6):
        result = RunResult(run, run / "best", str(run / "best"), 2, score, None, score, classes)
        show_result(result, as_json=False)
        assert ("top-5" in capsys.readouterr().out) is (classes == 6)
        told = epoch_in_words(EpochReport(1, 0.25, score, is_best=False), classes)
        assert told == "epoch 1 · loss 0.250 · val top-1 50.0%" + (", top-5 100.0%" if classes == 6 else "")
