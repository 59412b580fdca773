"""Progress that reaches people: bars on demand, bars in a notebook, none in a script."""

import builtins
import logging

import pytest

from vifi_cli.api.feedback import AUTOMATIC, Feedback, ProgressBars


class ZMQInteractiveShell:
    """Stands for the shell of a Jupyter kernel, which vifi knows by its name."""


def shown_by(feedback: Feedback, capfd: pytest.CaptureFixture[str]) -> str:
    with feedback.task("Reading", unit="videos") as report:
        report(1, 4, at="pets.mp4")
        report(4, what="Writing")
    out, err = capfd.readouterr()
    assert out == ""
    return err


def test_a_script_sees_no_progress(capfd: pytest.CaptureFixture[str]) -> None:
    assert shown_by(AUTOMATIC, capfd) == ""


def test_bars_show_what_is_done_on_demand(capfd: pytest.CaptureFixture[str]) -> None:
    shown = shown_by(ProgressBars(), capfd)
    assert "Reading" in shown
    assert "Writing: 100%" in shown
    assert "4/4" in shown


def test_a_notebook_sees_progress(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtins, "get_ipython", ZMQInteractiveShell, raising=False)
    assert "Reading" in shown_by(AUTOMATIC, capfd)


def test_notes_reach_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "vifi_cli"), ProgressBars().busy("Loading"):
        ProgressBars().note("4 videos are new")
    assert caplog.messages == ["4 videos are new"]
