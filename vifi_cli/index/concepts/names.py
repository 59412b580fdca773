"""The names of concepts: which ones there can be, how they are compared, and which was probably meant."""

import difflib
import re
import unicodedata
from collections.abc import Sequence

from vifi_cli.errors import InvalidInput

MOST_LETTERS = 64
LIKENESS = 0.6  # of a name that is suggested
_BEGINS = re.compile(r"\w")


def is_name(text: str) -> bool:
    """Whether a text can name a concept: letters of any script, digits, - and _, the first of them not a -."""
    text = unicodedata.normalize("NFC", text)
    return (
        bool(_BEGINS.match(text))
        and len(text) <= MOST_LETTERS
        # vowel signs are letters to whoever writes them, but not to regular expressions
        and all(
            letter.isalnum() or letter in "-_" or unicodedata.category(letter)[0] == "M" for letter in text
        )
    )


def check_name(text: str) -> str:
    """The name of a concept as it is kept; raises InvalidInput if it cannot be one."""
    if not is_name(text):
        raise InvalidInput(
            f"{text!r} cannot name a concept: use up to {MOST_LETTERS} letters, digits, - and _, without spaces, "
            "beginning with a letter or digit"
        )
    return unicodedata.normalize("NFC", text)


def key_of(name: str) -> str:
    """A name as it is compared: in one Unicode form, whatever its case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def no_such_concept(name: str, known: Sequence[str]) -> InvalidInput:
    """The error for a name that no concept has, with the one that was probably meant."""
    by_key = {key_of(each): each for each in known}
    near = difflib.get_close_matches(key_of(name), by_key, 1, LIKENESS)
    if near:
        hint = f"did you mean @{by_key[near[0]]}?"
    elif known:
        hint = "`vifi concepts` lists yours."
    else:
        hint = f'begin with `vifi teach {name} "what it looks like"`.'
    return InvalidInput(f"no concept is called @{name}: {hint} For the words, write text:@{name}")
