"""Templates that users write for lines and for players."""

import pytest

from vifi_cli.errors import InvalidInput
from vifi_cli.line_template import Field, LineTemplate, with_escapes

KNOWN = {
    "path": Field("the video", "/a.mp4"),
    "start": Field("seconds", 0.0, ".3f"),
    "number": Field("its number", 1),
}
VALUES = {"path": r"/b\t{start}.mp4", "start": 1.5, "number": 12}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{path}|{start}|{number}", r"/b\t{start}.mp4|1.500|12"),
        ("{start:.0f} {start:>8.1f} {number:03}", "2      1.5 012"),
        ("{{{number}}} {path:.2}", "{12} /b"),
        ("", ""),
    ],
)
def test_fields_become_values_in_their_formats(text: str, filled: str) -> None:
    assert LineTemplate(text, KNOWN, flag="--format").filled(VALUES) == filled


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{pth}", "--format has no field {pth}: use {path}, {start}, {number}"),
        ("{}", "has no field {}"),
        ("{path!r}", "has no field {path!r}"),
        ("{path.parent}", "has no field {path.parent}"),
        ("{start", "write fields as {path}, and {{ or }} for a brace"),
        ("start}", "write fields as {path}"),
        ("{path:.2f}", "{path:.2f} has no valid format for text"),
        ("{start:banana}", "{start:banana} has no valid format for numbers"),
        ("{start:999999999999}", "has no valid format"),
        ("{start:{number}}", "has no valid format"),
        ("{number:c}", "{number:c} has no valid format for numbers"),
    ],
)
def test_a_template_that_makes_no_sense_is_refused_when_it_is_made(text: str, says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        LineTemplate(text, KNOWN, flag="--format")
    assert says in str(refused.value)


def test_escapes_stand_for_one_character() -> None:
    assert with_escapes(r"a\tb\nc\0d\\te\x") == "a\tb\nc\0d\\te\\x"
