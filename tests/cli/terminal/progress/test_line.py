"""The line on one piece of work, on terminals of any width and in a log."""

import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from vifi_cli.cli.terminal.progress.line import Work, bar_line, log_line

FACTS = "epoch 2/5 · loss 2.302 · lr 1.0e-05 · 8.1 clips/s"


def work(what: str = "Training", unit: str = "", at: str = FACTS) -> Work:
    """A quarter is done after 10 seconds."""
    made = Work(what, 0.0, unit, 400.0)
    made.advance(10.0, 100.0, None, "", at)
    return made


def line(one: Work, width: int, now: float = 10.0) -> str:
    return bar_line(one, now, Console(width=width, color_system=None), width).plain


def test_what_does_not_fit_is_left_out_and_the_time_left_stays() -> None:
    assert re.fullmatch(rf"Training  ━[━╸ ]+25%  {re.escape(FACTS)} · 30 s left", line(work(), 120))
    at_80 = line(work(), 80)
    assert re.fullmatch(r"Training  ━[━╸ ]+  25%  epoch 2/5 · loss 2\.302 · lr 1\.0e-05 · 30 s left", at_80)
    assert re.fullmatch(r"Training  ━[━╸ ]+  25%  epoch 2/5 · 30 s left", line(work(), 54))
    assert line(work(), 40) == "Training   25%  epoch 2/5 · 30 s left"
    assert line(work(), 28) == "Training   25%  30 s left"


@pytest.mark.parametrize("width", range(1, 130))
@pytest.mark.parametrize(
    "what", ["Indexing", "Looking at 日本語のとても長い名前の動画ファイル.mp4", "a\x1b[2Jb"]
)
def test_a_line_never_is_wider_than_its_terminal(width: int, what: str) -> None:
    for one in (work(what), work(what, "videos", ""), Work(what, 0.0, is_counted=False)):
        shown = line(one, width)
        assert cell_len(shown) <= width
        assert shown.isprintable()


def test_counts_have_a_rate() -> None:
    assert line(work("Testing", "videos", ""), 100).endswith(
        "25%  100/400 videos · 10.0 videos/s · 30 s left"
    )
    slow = Work("Testing", 0.0, "videos", 3.0)
    slow.advance(30.0, 1.0, None, "", "")
    assert line(slow, 100, 30.0).endswith("33%  1/3 videos · 2.0 videos/min · 1 min 0 s left")
    fetching = Work("Fetching clip", 0.0, "bytes")
    fetching.advance(10.0, 40e6, 350e6, "", "")
    assert line(fetching, 100).endswith("11%  40.0 MB of 350.0 MB · 4.0 MB/s · 1 min 18 s left")


def test_work_of_unknown_length_shows_how_long_it_has_taken() -> None:
    loading = Work("Loading starter", 0.0, is_counted=False)
    assert line(loading, 60, 0.5)[2:] == "Loading starter"
    assert line(loading, 60, 14.0)[2:] == "Loading starter 14 s"


def test_a_new_stage_and_a_resumed_run_have_a_pace_of_their_own() -> None:
    stage = Work("Scoring", 0.0, total=10.0)
    stage.advance(100.0, 10.0, None, "", "")
    assert "left" not in line(stage, 80, 100.0), "it is done"
    stage.advance(200.0, 0.0, 50.0, "Epoch 1", "step 0/50")
    stage.advance(210.0, 10.0, 50.0, "Epoch 1", "step 10/50")
    assert line(stage, 80, 210.0).endswith("20%  step 10/50 · 40 s left")
    resumed = Work("Training", 0.0)
    resumed.advance(1.0, 500.0, 1000.0, "", "")
    resumed.advance(11.0, 510.0, 1000.0, "", "")
    assert line(resumed, 80, 11.0).endswith("51%  8 min 10 s left")


def test_bars_are_one_below_the_other() -> None:
    console = Console(width=80, color_system=None)
    first, second = (
        bar_line(work(name, at=""), 10.0, console, 80, 8).plain for name in ("Training", "Epoch 1")
    )
    assert first.index("━") == second.index("━") == 10


def test_a_log_line_has_time_share_rate_and_what_is_left() -> None:
    shown = log_line(work("Testing", "videos", ""), 10.0)
    assert re.fullmatch(r"\d\d:\d\d:\d\d  Testing 25% · 100/400 videos · 10\.0 videos/s · 30 s left", shown)
