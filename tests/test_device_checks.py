"""The checks of a GPU run through on a CPU, with a tiny model."""

import pytest
import torch

from tests.device_checks import check


@pytest.mark.slow
def test_the_checks_run_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    rows = list(check.check_device(tiny=True))
    assert [row.check.partition(" in ")[0].partition(",")[0] for row in rows] == [
        "device", "encoding", "finetune", "finetune", "prompts", "prompts", "product of matrices",
        "encoding", "training",
    ]  # fmt: skip
    assert all(row.is_good for row in rows), rows
    # no speed of the device: the sizes are too small for one
    assert rows[-3].figure == "–"
    assert not any("FLOP" in row.figure or "of the product" in row.figure for row in rows)
