"""Splits a line, as people type it into the shell or the page, into the arguments of a search."""

import re

from vifi_cli.errors import InvalidInput

WORD = re.compile(r"""'(?P<quoted>[^']*)'(?!\S)|(?P<bare>(?:"[^"]*"|\\.|\\$|[^\s"\\])+)""")
ESCAPED = re.compile(r'"([^"]*)"|\\(.)')


def split_line(line: str) -> list[str]:
    """The arguments of a line, split at spaces; raises InvalidInput if a double quote is not closed.

    Double quotes and backslashes work as in a shell. Single quotes do only around a complete argument, since lines hold
    words as people write them: `a man's dog`.
    """
    arguments, position = [], 0
    while position < len(line):
        if line[position].isspace():
            position += 1
            continue
        word = WORD.match(line, position)
        if not word:
            raise InvalidInput(
                'a quotation mark " is not closed: close it, or write \\" where it is meant itself'
            )
        bare = ESCAPED.sub(lambda found: found[1] if found[2] is None else found[2], word["bare"] or "")
        arguments.append(bare if word["quoted"] is None else word["quoted"])
        position = word.end()
    return arguments
