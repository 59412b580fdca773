"""How the options of training become one call, and what a stopped run prints."""

from pathlib import Path

import pytest
import typer

from vifi_cli.api.training.run import Interrupted
from vifi_cli.cli.training.options import RunChoice, TrainingSource, train_or_resume


def test_the_command_that_continues_a_run_can_be_pasted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def prompt_tune(**_: object) -> None:
        raise Interrupted(tmp_path / "my run", 2)

    with pytest.raises(typer.Exit):
        train_or_resume(TrainingSource(data="clips"), RunChoice(), {}, train=prompt_tune, resume=prompt_tune)
    assert f"continue with vifi prompt-tune --resume '{tmp_path}/my run'" in capsys.readouterr().err
