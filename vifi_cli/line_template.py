r"""Templates that users write: `{path}\t{start:.2f}` for lines, and `mpv --start={start} {path}` for players."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter

from vifi_cli.errors import InvalidInput

ESCAPES = {r"\t": "\t", r"\n": "\n", r"\r": "\r", r"\0": "\0", r"\\": "\\"}
Value = str | float | int

_ESCAPE = re.compile(r"\\[tnr0\\]")
_TOO_WIDE = re.compile(r"\d{4}")


@dataclass(frozen=True, slots=True)
class Field:
    """What a template can hold in braces."""

    meaning: str  # for people
    example: Value  # of the kind that all its values have
    form: str = ""  # as in `format`, unless the template gives one


class LineTemplate:
    """Text with fields in braces, which is checked when it is made; `{{` and `}}` are braces."""

    def __init__(self, text: str, known: Mapping[str, Field], *, flag: str) -> None:
        """Takes the text, the fields it may hold, and the option that it comes from.

        Raises:
            InvalidInput: a brace is not closed, a field is unknown, or its format does not fit.
        """
        self._text, self._known, self._flag = text, known, flag
        try:
            self._parts = list(Formatter().parse(text))
        except ValueError as error:
            raise InvalidInput(
                f"{flag} {text}: {str(error).lower()}: write fields as {{{next(iter(known))}}}, and {{{{ or }}}} for a "
                "brace"
            ) from None
        for _, name, form, conversion in self._parts:
            if name is not None:
                self._check(name, form or "", conversion)
        self.fields = frozenset(name for _, name, _, _ in self._parts if name is not None)

    def filled(self, values: Mapping[str, Value]) -> str:
        """The text with values in place of its fields."""
        return "".join(
            literal if name is None else literal + format(values[name], form or self._known[name].form)
            for literal, name, form, _ in self._parts
        )

    def _check(self, name: str, form: str, conversion: str | None) -> None:
        if name not in self._known or conversion:
            written = f"{name}!{conversion}" if conversion else name
            fields = ", ".join(f"{{{each}}}" for each in self._known)
            raise InvalidInput(f"{self._flag} has no field {{{written}}}: use {fields}")
        example = self._known[name].example
        try:
            if _TOO_WIDE.search(form) or form.endswith("c"):  # which makes letters, and for some numbers none
                raise ValueError
            format(example, form)
        except ValueError:
            fit = "{path:>40}" if isinstance(example, str) else "{start:.2f}"
            kind = "text" if isinstance(example, str) else "numbers"
            raise InvalidInput(
                f"{self._flag}: {{{name}:{form}}} has no valid format for {kind}: omit it, or write one as in {fit}"
            ) from None


def with_escapes(text: str) -> str:
    r"""A template as typed in a shell, where `\t`, `\n`, `\r`, `\0` and `\\` stand for one character each."""
    return _ESCAPE.sub(lambda found: ESCAPES[found[0]], text)
