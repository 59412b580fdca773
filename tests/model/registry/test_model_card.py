"""Damaged configurations of model folders are refused in words."""

from pathlib import Path

import pytest

from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.card import CARD_FILE, read_card
from vifi_cli.training.recipe.changes import change_table


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 1', "[" * 200_000, '{"a":' * 200_000])
def test_a_damaged_card_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / CARD_FILE).write_text(content)
    with pytest.raises(InvalidInput, match="is not the configuration of a vifi model"):
        read_card(tmp_path)


def test_a_recipe_nested_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text("a = " + "[" * 200_000)
    with pytest.raises(InvalidInput, match="is not TOML"):
        change_table(str(tmp_path / "recipe.toml"))
