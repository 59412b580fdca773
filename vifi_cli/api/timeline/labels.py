"""The labels of a timeline, as people write them: words, concepts, or any query under a short name."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.api.search.query_language import concept, parse_query, words
from vifi_cli.api.search.query_line import split_line
from vifi_cli.data.formats.text_file import numbered_lines
from vifi_cli.errors import InvalidInput
from vifi_cli.index.search.query import OrderedQuery, Query
from vifi_cli.paths import given_path, is_given_file
from vifi_cli.video.files.recognition import PICTURE_SUFFIXES, VIDEO_SUFFIXES, suffix_of
from vifi_cli.wording import one_line

NAMED_BY = "="
COMMA = re.compile(r',(?=(?:[^"]*"[^"]*")*[^"]*$)')  # with no quotation mark after it that closes one before
LIST_SUFFIXES = (".txt", ".csv", ".tsv")


@dataclass(frozen=True, slots=True)
class Label:
    """A name in tables and files, and the query that it stands for."""

    name: str
    query: Query


def labels_of(texts: Iterable[str], concepts: Iterable[str] = ()) -> tuple[Label, ...]:
    """The labels of lists, each `a,b,c` or a file with one per line, and of lists of concepts, each `a,b,c`.

    A label is a query, such as `a dog + a beach` or `@waving`, or a name for one: `walk=a person walking`.

    Raises:
        InvalidInput: there is none, or one is empty, makes no sense, or has the name of another.
    """
    labels = [_parsed(text, where) for listed in texts for where, text in _listed(listed)]
    named = [name.strip() for listed in concepts for name in listed.split(",")]
    if "" in named:
        raise InvalidInput("a concept without a name is listed: write --concepts a,b")
    labels += [Label(each.text.removeprefix("@"), each) for each in map(concept, named)]
    return checked(labels)


def labels_for(queries: Sequence[str | Query] | Mapping[str, str | Query]) -> tuple[Label, ...]:
    """The labels of a program: words, or queries, which may have names; raises InvalidInput as `labels_of`."""
    if isinstance(queries, str):
        raise InvalidInput(f"labels are a list, not the text {queries!r}: write [{queries!r}]")
    named = queries.items() if isinstance(queries, Mapping) else ((None, each) for each in queries)
    labels = []
    for name, asked in named:
        query = words(asked) if isinstance(asked, str) else asked
        labels.append(Label(query.text.removeprefix("@") if name is None else name, query))
    return checked(labels)


def checked(labels: Sequence[Label]) -> tuple[Label, ...]:
    """The labels, if they can be told apart."""
    if not labels:
        raise InvalidInput('no label is given: say what to look for, as in --labels "walking,running"')
    names = [label.name for label in labels]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InvalidInput(
            f"the label {twice!r} is listed twice: omit one, or give it another name, as in a=words"
        )
    return tuple(labels)


def _listed(text: str) -> list[tuple[str, str]]:
    """Where each label of a list stands, for messages, and the label."""
    is_example = suffix_of(Path(text)) in VIDEO_SUFFIXES | PICTURE_SUFFIXES
    if is_given_file(text) and not is_example:
        path = given_path(text)
        found = [(f"{path}, line {number}", line) for number, line in numbered_lines(path)]
        if not found:
            raise InvalidInput(f"{path} has no labels: write one on each line")
        return found
    if Path(text).suffix.lower() in LIST_SUFFIXES:
        raise InvalidInput(
            f"{text} is not a file: name one with a label on each line, or write --labels a,b,c"
        )
    return [(f"label {number} of {text!r}", each.strip()) for number, each in enumerate(COMMA.split(text), 1)]


def _parsed(text: str, where: str) -> Label:
    name, sign, asked = text.partition(NAMED_BY)
    name, asked = (name.strip(), asked.strip()) if sign else (text, text)
    if not name or not asked:
        raise InvalidInput(f"{where} is empty: write a label, or name=words")
    try:
        query = parse_query(split_line(asked))
    except InvalidInput as error:
        raise InvalidInput(f"{where}: {error}") from None
    if isinstance(query, OrderedQuery):
        raise InvalidInput(
            f"{where} has several steps: a label is seen at one time; search with `then` instead"
        )
    return Label(one_line(name.removeprefix("@") if name == query.text else name), query)
