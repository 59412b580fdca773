"""The parameters of a request to the API: each is known, given once, and makes sense."""

import re
from collections.abc import Sequence
from typing import Literal, TypeVar

from starlette.requests import Request

from vifi_cli.errors import InvalidInput
from vifi_cli.web.requests.named_values import advice_for, check_is_text
from vifi_cli.web.requests.question import MOST_LETTERS

WHOLE_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
FRACTION = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+", re.ASCII)
TRUE, FALSE = ("1", "true", "yes"), ("0", "false", "no")

Choice = TypeVar("Choice", bound=str)


class Parameters:
    """The parameters in the address of a request. What they raise says which one is wrong, and what it may be."""

    def __init__(self, request: Request, known: Sequence[str]) -> None:
        """Raises InvalidInput if one is unknown, empty, given twice, or too long."""
        self._values: dict[str, str] = {}
        for name, value in request.query_params.multi_items():
            if name not in known:
                raise InvalidInput(_unknown(name, known))
            if name in self._values:
                raise InvalidInput(f"`{name}` is given twice: give it once")
            if not value.strip():
                raise InvalidInput(f"`{name}` is empty: give it a value, or omit it")
            if len(value) > MOST_LETTERS:
                raise InvalidInput(f"`{name}` is too long: write fewer than {MOST_LETTERS:,} letters")
            check_is_text(name, value)
            self._values[name] = value

    def text(self, name: str) -> str | None:
        """A text; None if it is not given."""
        return self._values.get(name)

    def required(self, name: str, example: str) -> str:
        """A text that must be given."""
        if name not in self._values:
            raise InvalidInput(f"`{name}` is missing: add it, as in {example}")
        return self._values[name]

    def number(self, name: str, allowed: range, default: int) -> int:
        """A whole number within a range."""
        text = self._values.get(name, str(default))
        if not WHOLE_NUMBER.fullmatch(text) or int(text) not in allowed:
            raise InvalidInput(
                f"`{name}` is a whole number from {allowed[0]} to {allowed[-1]}, not {_short(text)}"
            )
        return int(text)

    def fraction(self, name: str) -> float | None:
        """A number from 0 to 1; None if it is not given."""
        text = self._values.get(name)
        if text is None:
            return None
        if not FRACTION.fullmatch(text) or not 0 <= float(text) <= 1:
            raise InvalidInput(f"`{name}` is a number from 0 to 1, not {_short(text)}")
        return float(text)

    def flag(self, name: str) -> bool:
        """Whether something is wanted; not by default."""
        text = self._values.get(name, FALSE[0]).lower()
        if text not in (*TRUE, *FALSE):
            raise InvalidInput(f"`{name}` is 1 or 0, not {_short(text)}")
        return text in TRUE

    def choice(self, name: str, choices: Sequence[Choice]) -> Choice:
        """One of some words; the first by default."""
        text = self._values.get(name, choices[0])
        for choice in choices:
            if text == choice:
                return choice
        raise InvalidInput(f"`{name}` is {' or '.join(choices)}, not {_short(text)}")


HitUnit = Literal["moment", "video"]


def _unknown(name: str, known: Sequence[str]) -> str:
    return f"`{_short(name)}` is not a parameter of this address: {advice_for(name, known, 'it')}"


def _short(text: str) -> str:
    """A text that a message can quote on one line."""
    printable = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return printable if len(printable) <= 60 else f"{printable[:57]}…"
