"""Files into dataclasses: what is wrong is named by file and key."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from vifi_cli.errors import InvalidInput
from vifi_cli.typed_files import as_dataclass


@dataclass(frozen=True, slots=True)
class Paint:
    """A table of a file."""

    layers: int = 1
    gloss: float = 0.5


@dataclass(frozen=True, slots=True)
class Wall:
    """A file."""

    name: str
    colours: tuple[str, ...] = ()
    finish: Literal["matt", "silk"] = "matt"
    paint: Paint = Paint()
    primer: Paint | None = None
    dry: bool = True
    notes: Mapping[str, Any] | Literal["none"] = "none"

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a wall has a name")


def test_tables_become_dataclasses() -> None:
    table = tomllib.loads(
        'name = "north"\ncolours = ["red"]\nnotes = {a = [1, 2.5]}\n[paint]\ngloss = 1\n[primer]\nlayers = 3'
    )
    wall = as_dataclass(Wall, table, "wall.toml")
    assert wall == Wall("north", ("red",), "matt", Paint(1, 1.0), Paint(3), notes={"a": [1, 2.5]})
    assert isinstance(wall.paint.gloss, float)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colours = []", "name is missing"),
        ("name = 'x'\npaint = 3", "paint should be a table, not 3"),
        ("name = 'x'\nfinsh = 'silk'", "there is no key finsh; did you mean finish?"),
        ("name = 'x'\nprimer = {layer = 2}", "there is no key primer.layer; did you mean layers?"),
        ("name = 'x'\nprimer = {x = 2}", "there is no key primer.x; known keys are gloss, layers"),
        ("name = 'x'\nprimer = {layers = true}", "primer.layers should be a valid integer, not True"),
        ("name = 'x'\npaint = {layers = 1.0}", "paint.layers should be a valid integer, not 1.0"),
        ("name = 'x'\npaint = {gloss = inf}", "paint.gloss must be a finite number, not inf"),
        (f"name = 'x'\npaint = {{gloss = 1{'0' * 400}}}", "paint.gloss must be a finite number, not 1000"),
        ("name = 3", "name should be a valid string, not 3"),
        ("name = 1979-05-27", "name should be a valid string, not {'date': '1979-05-27'}"),
        ("name = 'x'\nfinish = 'wet'", "finish should be 'matt' or 'silk', not 'wet'"),
        ("name = 'x'\ndry = 1", "dry should be a valid boolean, not 1"),
        ("name = 'x'\nnotes = 'some'", "notes should be a table or 'none', not 'some'"),
        ("name = 'x'\ncolours = 'red'", "colours should be a list, not 'red'"),
        ("name = 'x'\ncolours = ['red', 3]", "colours should be a valid string, not 3"),
        ("name = ''", "a wall has a name"),
    ],
)
def test_what_makes_no_sense_is_named(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        as_dataclass(Wall, tomllib.loads(text), "wall.toml")
    assert str(caught.value).startswith(f"wall.toml: {message}")
    assert "\n" not in str(caught.value)
