"""A terminal as far as vifi uses one: what is on its screen after bytes were written to it."""

import re

from rich.cells import cell_len

ESCAPE = re.compile(r"\x1b\[([\d;]*)([A-Za-z])|\x1b\]8;[^\x1b]*\x1b\\")


class Screen:
    """Rows of text, as long as need be, with the cursor in one of them; long lines go on in the next row."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.rows = [""]
        self.row, self.column = 0, 0

    def write(self, text: str) -> None:
        """Shows a text and obeys its escapes."""
        position = 0
        while position < len(text):
            if found := ESCAPE.match(text, position):
                self._obey(found)
                position = found.end()
                continue
            self._put(text[position])
            position += 1

    def shown(self) -> list[str]:
        """The rows without spaces at their ends, and without empty rows at the end."""
        return "\n".join(row.rstrip() for row in self.rows).rstrip().split("\n")

    def narrow(self, columns: int) -> None:
        """Makes the terminal narrower, so that long rows become several; the cursor is in the last one."""
        self.columns = columns
        pieces = [row[at : at + columns] for row in self.rows for at in range(0, max(len(row), 1), columns)]
        self.rows, self.row = pieces, len(pieces) - 1
        self.column = len(pieces[-1])

    def _obey(self, found: re.Match[str]) -> None:
        if found[2] == "A":
            self.row = max(self.row - int(found[1] or 1), 0)
        elif found[2] == "K":
            assert found[1] == "2", "the complete row"
            self.rows[self.row] = ""
        elif found[2] not in (None, "m"):
            raise AssertionError(f"unknown escape {found[0]!r}")

    def _put(self, letter: str) -> None:
        if letter == "\r":
            self.column = 0
        elif letter == "\n":
            self._next_row()
        else:
            if self.column + cell_len(letter) > self.columns:
                self._next_row()
            row = self.rows[self.row].ljust(self.column)
            self.rows[self.row] = row[: self.column] + letter + row[self.column + 1 :]
            self.column += 1

    def _next_row(self) -> None:
        self.row, self.column = self.row + 1, 0
        self.rows += [""] * (self.row + 1 - len(self.rows))
