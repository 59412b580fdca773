"""What training shows in the end."""

from pathlib import Path

import pytest

from vifi_cli.cli.training.result import show_result
from vifi_cli.training.run.reports import RunResult, Scores


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
