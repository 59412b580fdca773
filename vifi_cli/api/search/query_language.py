"""Queries: made in Python by `words` and `example`, or parsed from the arguments of a search, in this language.

    query   one or more steps in order of time, with a lone `then` or `then not` between them
    step    one or more terms, with a lone + or - between them
    term    [WEIGHT:] words, or [WEIGHT:] FILE, or [WEIGHT:] FILE@TIME, or [WEIGHT:] @CONCEPT
    words   any number of arguments, joined by spaces
    FILE    an argument that begins with /, ./, ../ or ~/, that ends as pictures and videos do (.jpg, .mp4), or that
            holds a / or @ and names an existing file
    CONCEPT the name of a concept that `vifi teach` has made
    TIME    1:20-1:28, or 1:20 for a few seconds around

Words after `text:` are always words, whatever they look like. So is `then` in a longer argument, or without a term on
each side, as in `now and then`.
"""

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

from vifi_cli.api.search.named_files import FILES_ON_DISK, NamedFiles
from vifi_cli.api.search.times import length_option, time_range_of
from vifi_cli.errors import InvalidInput
from vifi_cli.index.concepts.names import check_name, is_name
from vifi_cli.index.search.query import (
    AnyQuery,
    ConceptName,
    Example,
    OrderedQuery,
    Query,
    Step,
    Term,
    Words,
    query_in_words,
    require_wanted,
)
from vifi_cli.paths import given_path
from vifi_cli.video.files.recognition import PICTURE_SUFFIXES, VIDEO_SUFFIXES, suffix_of
from vifi_cli.video.moment import TimeRange

SIGNS = {"+": 1.0, "-": -1.0}
THEN, NOT = "then", "not"
OPERATORS = {*SIGNS, THEN}
_AT_ONCE = "for both at the same time, write A + B"
MEANT = {
    "before": "for one after the other, write A then B",
    "after": "for one after the other, write B then A",
    "while": _AT_ONCE,
    "during": _AT_ONCE,
}
"""How to write what a word between two quoted phrases A and B may stand for."""
AS_WORDS = "text:"
# a digit after the colon makes it a time or a ratio, as in "3:10 to Yuma" and "16:9", not a weight
WEIGHT = re.compile(r"(\d+(?:\.\d+)?|\.\d+):\s*(?=[^\d\s])")
TIME_AT_END = re.compile(r"(?P<file>.+)@(?P<time>[^@/]*)", re.DOTALL)
CONCEPT = "@"
FILE_BEGINS = ("/", "./", "../", "~/")


def words(text: str) -> Query:
    """A query in words, which must not be empty. You can add, subtract and weight queries: `a + b - 0.5 * c`."""
    if not text.strip():
        raise InvalidInput("the query is empty: say what to look for")
    return query_in_words(text)


def concept(name: str) -> Query:
    """A query for a concept that you have taught, by its name, with or without the @."""
    name = check_name(name.removeprefix(CONCEPT))
    return Query(f"@{name}", (Term(ConceptName(name)),))


def example(path: Path | str, start_seconds: float | None = None, end_seconds: float | None = None) -> Query:
    """A query for moments that look like a picture, a video (indexed ones may be missing) or a part of one.

    Raises:
        InvalidInput: the end is not after the start.
    """
    shown = seen_part(path, start_seconds, end_seconds)
    return Query(str(path), (Term(shown),))


def seen_part(path: Path | str, start_seconds: float | None, end_seconds: float | None) -> Example:
    """The picture, video or part of one that is shown; errors are those of `example`."""
    if start_seconds is None and end_seconds is None:
        return Example(given_path(Path(path)))
    start = start_seconds or 0.0
    part = TimeRange(start, math.inf if end_seconds is None else end_seconds, start)
    return Example(given_path(Path(path)), part)


def parse_query(arguments: Sequence[str], files: NamedFiles = FILES_ON_DISK) -> AnyQuery:
    """The query that arguments stand for, of one step or several; missing files may be known to the index.

    Raises:
        InvalidInput: the query is empty or ambiguous.
    """
    if not any(argument.strip() for argument in arguments):
        raise InvalidInput('the query is empty: say what to look for, as in `vifi search "playing guitar"`')
    if any("\0" in argument for argument in arguments):
        raise InvalidInput("the query holds a NUL character, which is not text: omit it")
    first, *later = _steps(arguments)
    query = _sum(first, files)
    if not later:
        return query
    steps = [Step(query), *(_later_step(step, files) for step in later)]
    return OrderedQuery(" ".join(arguments), tuple(steps))


def within(query: AnyQuery, length: str | None, name: str = "--within") -> AnyQuery:
    """A query whose steps follow each other within a length of time such as `30s`, if one is given.

    Raises:
        InvalidInput: the query has one step, or the length makes no sense; `name` is what gives it.
    """
    if length is None:
        return query
    seconds = length_option(name, length)
    if not isinstance(query, OrderedQuery):
        raise InvalidInput(
            f"{name} limits the time between steps, and the query has one: put `then` between two, or omit {name}"
        )
    if not seconds > 0:
        raise InvalidInput(f"{name} {length}: the time between two steps is above 0: write 30s or 2m")
    return query.within(seconds)


def note_on_time(arguments: Sequence[str]) -> str | None:
    """What to know about a word such as `before` that stands alone between two arguments of several words each.

    These were quoted, so the word may have been meant as an operator.
    """
    for earlier, word, later in zip(arguments, arguments[1:], arguments[2:], strict=False):
        if word in MEANT and all(len(phrase.split()) > 1 for phrase in (earlier, later)):
            return f"`{word}` was searched for as a word: {MEANT[word]}"
    return None


def _steps(arguments: Sequence[str]) -> list[list[str]]:
    """The arguments of each step: a `then` separates two where a term is before it and another one after it."""
    steps: list[list[str]] = [[]]
    for position, argument in enumerate(arguments):
        is_between = bool(steps[-1]) and position + 1 < len(arguments)
        if argument == THEN and is_between and not SIGNS.keys() & {steps[-1][-1], arguments[position + 1]}:
            steps.append([])
        else:
            steps[-1].append(argument)
    return steps


def _later_step(step: Sequence[str], files: NamedFiles) -> Step:
    if step[0] == NOT and len(step) > 1 and step[1] not in SIGNS:
        return Step(_sum(step[1:], files), is_absent=True)
    return Step(_sum(step, files))


def _sum(arguments: Sequence[str], files: NamedFiles) -> Query:
    """The query of one step; raises InvalidInput if it names nothing to look for."""
    terms = tuple(_term(sign, run, files) for sign, run in _signed_runs(arguments))
    query = Query(" ".join(arguments), terms)
    require_wanted(query)
    return query


def parse_example(text: str, files: NamedFiles = FILES_ON_DISK) -> Example:
    """The picture, video or part of a video that `FILE` or `FILE@TIME` names; raises InvalidInput for a bad time."""
    file, time = _split_time(text, files)
    if "://" in file:
        raise InvalidInput(f"{file} is an address: download it and name the file")
    if _means_concept(text) and not files.exists(text):
        raise InvalidInput(
            f"{text} names a concept: search for it with `vifi search {text}`, or name a file as ./{text}"
        )
    if time is None:
        return Example(files.path(file))
    part = time_range_of(time)
    if part is None:
        raise InvalidInput(
            f"{text}: {time or 'nothing'} is not a time in a video: write {file}@1:20-1:28, with the end after the "
            f"start, or {file}@1:20"
        )
    return Example(files.path(file), part)


def _signed_runs(arguments: Sequence[str]) -> Iterator[tuple[float, list[str]]]:
    """The arguments between operators, each run with the sign before it."""
    sign, run = 1.0, list[str]()
    for position, argument in enumerate(arguments):
        if argument not in SIGNS:
            run.append(argument)
            continue
        if position and not run:
            raise InvalidInput(f"two operators in a row before {argument}: put a term between them")
        if run:
            yield sign, run
        sign, run = SIGNS[argument], []
    if not run:
        raise InvalidInput(f"nothing stands after the last {arguments[-1]}: add a term, or omit it")
    yield sign, run


def _term(sign: float, run: list[str], files: NamedFiles) -> Term:
    weight, text = _split_weight(" ".join(run), files)
    if text.startswith(AS_WORDS):
        return Term(_words(text.removeprefix(AS_WORDS)), sign * weight)
    is_one = len(run) == 1 or text == run[1]  # a weight may be a separate argument
    if is_one and means_file(text, files):
        return Term(parse_example(text, files), sign * weight)
    if _means_concept(text):
        return Term(ConceptName(check_name(text.removeprefix(CONCEPT))), sign * weight)
    if named := next(filter(_means_concept, text.split()), None):
        raise InvalidInput(
            f"{named} stands next to other words: write each + and - as an argument of its own, as in {named} + "
            "outdoors; if it is not a concept, put text: before the words"
        )
    for argument in () if is_one else run:
        if means_file(argument, files):
            raise InvalidInput(
                f"{argument} stands next to another term: put + or - between them; if it is not a file, put text: "
                "before the words"
            )
    return Term(_words(text), sign * weight)


def _means_concept(text: str) -> bool:
    return text.startswith(CONCEPT) and is_name(text.removeprefix(CONCEPT))


def _words(text: str) -> Words:
    if not text.strip():
        raise InvalidInput("a term of the query is empty: say what to look for, or omit the operator")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            "the query is not valid UTF-8 text: see that the terminal and $LANG use UTF-8"
        ) from None
    return Words(text)


def _split_weight(text: str, files: NamedFiles) -> tuple[float, str]:
    match = None if files.exists(text) else WEIGHT.match(text)
    if not match:
        return 1.0, text
    weight = float(match[1])
    if not 0 < weight < math.inf:
        raise InvalidInput(f"{text}: a weight must be above 0: omit the term, or put - before it")
    return weight, text[match.end() :]


def means_file(text: str, files: NamedFiles = FILES_ON_DISK) -> bool:
    """Whether an argument is a file's name rather than words."""
    file, _ = _split_time(text, files)
    return _looks_like_file(file) or (("/" in file or "@" in file) and files.exists(file))


def _split_time(text: str, files: NamedFiles) -> tuple[str, str | None]:
    """A file's name and the time after its last @, if there is one and it is not part of the file's name."""
    match = TIME_AT_END.fullmatch(text)
    if not match or files.exists(text):
        return text, None
    file, time = match["file"], match["time"]
    is_time = time_range_of(time) is not None
    if _has_media_suffix(file) or (is_time and (_looks_like_file(file) or files.exists(file))):
        return file, time
    return text, None


def _looks_like_file(text: str) -> bool:
    return text.startswith(FILE_BEGINS) or _has_media_suffix(text)


def _has_media_suffix(text: str) -> bool:
    name = PurePath(text)
    return suffix_of(name) in VIDEO_SUFFIXES | PICTURE_SUFFIXES and not name.stem.endswith(" ")
