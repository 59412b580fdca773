"""Which classes a text tower cannot tell apart, because it reads the same tokens for them, and why.

Names that people tell apart can become the same tokens: letters that a tokenizer does not know, upper and lower case,
what is behind the longest text that the tower reads, or what learned prompts displace.
"""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from vifi_cli.errors import InvalidInput
from vifi_cli.model.prompts.text import PromptedTextTower
from vifi_cli.wording import first_of

Texts = Sequence[str]
_TEXTS_AT_ONCE = 256
_PAIRS_SHOWN = 3
_LONGEST_SHOWN = 70
_MORE = " and more"
# why two classes are read alike, and what to do
_SAME_TEXT = "their texts are the same", "give each class a text of its own"
_SPELLING = (
    "they differ only in case, accents or spaces, which its tokenizer ignores",
    "rename one, or join them",
)
_PROMPTS = (
    "its learned prompts displace what they differ in",
    "learn fewer with prompts.text_context, or shorten the names",
)
_LENGTH = "they differ only behind the longest text that it reads", "shorten the names"
_LETTERS = (
    "they differ only in letters that its tokenizer does not know",
    "write the names in English, or use a model of many languages",
)
_NOTHING = "its tokenizer ignores all of it", "rename it"
_Why = tuple[str, str]


@dataclass(frozen=True, slots=True)
class TextReader:
    """What the text tower of a model reads of texts."""

    model: str  # its name, for messages
    tokenizer: Callable[[Texts], Tensor]
    tower: nn.Module

    def read(self, texts: Texts, *, with_prompts: bool = True) -> Iterator[bytes]:
        """The tokens of each text that reach the tower, without the padding behind them, as bytes."""
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            tokens = self.tokenizer(texts[start : start + _TEXTS_AT_ONCE])
            if with_prompts and isinstance(self.tower, PromptedTextTower):
                tokens = self.tower.with_places(tokens)
            yield from (row.numpy().tobytes().rstrip(b"\0") for row in tokens)


@dataclass(frozen=True, slots=True)
class _Unclear:
    """Classes whose names do not reach the tower apart from each other."""

    names: Texts  # two of them, or one of which nothing is left
    why: _Why

    def __str__(self) -> str:
        return f"{' from '.join(repr(_shortened(name)) for name in self.names)} ({self.why[0]})"


def _shortened(name: str) -> str:
    """A name whose middle is left out if it is very long: the ends tell such names apart."""
    return name if len(name) <= _LONGEST_SHOWN else f"{name[:30]}…{name[-30:]}"


def refuse_unclear_classes(reader: TextReader, names: Texts, texts: Sequence[Texts]) -> None:
    """Raises InvalidInput if a model reads two classes alike, or nothing of one: nothing could be learned of them.

    `texts` are those of each class.
    """
    if unclear := _unclear_classes(reader, names, texts):
        raise InvalidInput(f"{_in_words(reader, unclear)}: {_way_out(unclear)}")


def describe_unclear_classes(reader: TextReader, names: Texts, texts: Sequence[Texts]) -> str:
    """A warning about the same where a model is only tested, since it tells the other classes apart; else empty.

    Raises InvalidInput if it reads all classes alike.
    """
    unclear = _unclear_classes(reader, names, texts)
    if not unclear:
        return ""
    found, way_out = _in_words(reader, unclear), _way_out(unclear)
    if 0 < len(names) - 1 == sum(len(one.names) == 2 for one in unclear):
        raise InvalidInput(f"{found}: {way_out}")
    return f"{found}, so their scores say nothing: {way_out}"


def describe_cut_texts(reader: TextReader, names: Texts, texts: Sequence[Texts]) -> str:
    """A warning about class texts that a text tower reads only in part, as it takes no more; otherwise empty.

    `texts` are those of each class.
    """
    whole = [text.rstrip(" .,;:!?") for of_class in texts for text in of_class]
    shorter, longer = [text[:-1] for text in whole], [text + _MORE for text in whole]
    of = [name for name, of_class in zip(names, texts, strict=True) for _ in of_class]
    rows = zip(of, *map(reader.read, (whole, shorter, longer)), strict=True)
    cut = list(dict.fromkeys(name for name, *three in rows if len(set(three)) == 1))
    if not cut:
        return ""
    displaced = " behind its learned prompts" if isinstance(reader.tower, PromptedTextTower) else ""
    what, way_out = ("", "shorten the names") if len(of) == len(names) else ("the texts of ", "shorten them")
    way_out = "learn fewer with prompts.text_context" if displaced else way_out
    shown = first_of([repr(_shortened(name)) for name in cut], _PAIRS_SHOWN)
    return (
        f"{reader.model} has no room{displaced} for all of {what}{shown}, whose ends are cut off: {way_out}"
    )


def _unclear_classes(reader: TextReader, names: Texts, texts: Sequence[Texts]) -> list[_Unclear]:
    """Each class that is read like an earlier one, with that one, and each of which nothing is read."""
    rows = reader.read([text for of_class in texts for text in of_class])
    groups: dict[tuple[bytes, ...], list[int]] = {}
    for label, of_class in enumerate(texts):
        groups.setdefault(tuple(sorted(next(rows) for _ in of_class)), []).append(label)
    alike = [
        _Unclear((names[first], names[label]), _why(reader, texts[first][0], texts[label][0]))
        for first, *others in groups.values()
        for label in others
    ]
    nothing, *read = reader.read(["", *names], with_prompts=False)
    lone = [labels[0] for labels in groups.values() if len(labels) == 1]
    return alike + [_Unclear((names[label],), _NOTHING) for label in lone if read[label] == nothing]


def _why(reader: TextReader, first: str, second: str) -> _Why:
    if first == second:
        return _SAME_TEXT
    if _folded(first) == _folded(second):
        return _SPELLING
    bare_first, bare_second, longer = reader.read([first, second, first + _MORE], with_prompts=False)
    if bare_first != bare_second:
        return _PROMPTS
    return _LENGTH if longer == bare_first else _LETTERS


def _folded(text: str) -> str:
    """A text without what many tokenizers ignore."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if unicodedata.category(letter)[0] not in "MZC")


def _in_words(reader: TextReader, unclear: Sequence[_Unclear]) -> str:
    shown = first_of([str(one) for one in unclear], _PAIRS_SHOWN)
    is_pair = len(unclear[0].names) > 1
    return f"{reader.model} {'cannot tell' if is_pair else 'reads nothing of'} {shown}"


def _way_out(unclear: Sequence[_Unclear]) -> str:
    return "; ".join(dict.fromkeys(one.why[1] for one in unclear))
