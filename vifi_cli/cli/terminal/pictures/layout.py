"""Pictures with lines of text beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.pictures.choice import USUAL_CELL, Kind, cell_pixels, pictures_of_terminal
from vifi_cli.cli.terminal.pictures.protocols import picture_sequence

ROWS, MOST_COLUMNS = 6, 22
GAP = 2
HALF = "▀"  # its upper half has the color of the text, its lower half that of the background
SHADES = " .:-=+*#%@"  # from dark to light, where there are no colors or no blocks
SAVE, RESTORE = "\x1b7", "\x1b8"


@dataclass(frozen=True, slots=True)
class PictureList:
    """Shows pictures one below the other, each with text on its right."""

    kind: Kind
    console: Console
    cell: tuple[int, int] = USUAL_CELL  # width and height of a character, in pixels
    rows: int = ROWS  # of a picture, as are the columns, at most
    most_columns: int = MOST_COLUMNS
    share: float = 1 / 3  # of the terminal's width, for pictures

    @classmethod
    def for_terminal(cls) -> "PictureList":
        """The list that fits the terminal of stdout."""
        return cls(pictures_of_terminal(), Console(highlight=False), cell_pixels())

    @property
    def picture_height(self) -> int:
        """How high pictures are shown, in pixels."""
        return self.rows * self.cell[1]

    def show(self, picture: Image.Image | None, beside: Sequence[Text]) -> None:
        """Writes a picture, or an empty box without one, and text beside it."""
        room = min(self.most_columns, int(self.console.width * self.share))
        if self.kind == "none" or room < 4:
            self._print([], [line for text in beside for line in self._wrapped(text, self.console.width)], 0)
            return
        lines = [line for text in beside for line in self._wrapped(text, self.console.width - room - GAP)]
        if picture is None:
            self._print([Text.assemble(("no picture", "dim"))], lines, room + GAP)
            return
        columns, rows = self._box(picture, room)
        if self.kind == "blocks":
            self._print(self._blocks(picture, columns, rows), lines, room + GAP)
        else:
            self._draw(
                picture_sequence(self.kind, picture, columns, rows, self.cell), rows, lines, room + GAP
            )

    def _box(self, picture: Image.Image, room: int) -> tuple[int, int]:
        """The columns and rows for a picture in its shape."""
        shape = picture.width / picture.height * self.cell[1] / self.cell[0]
        columns = max(1, min(room, round(self.rows * shape)))
        return columns, max(1, min(self.rows, round(columns / shape)))

    def _wrapped(self, text: Text, width: int) -> list[Text]:
        return list(text.wrap(self.console, max(width, 10), overflow="fold"))[: self.rows - 1]

    def _draw(self, sequence: str, rows: int, beside: Sequence[Text], column: int) -> None:
        """Makes room first, so that nothing scrolls while the picture is drawn."""
        height = max(rows, len(beside))
        parts = ["\n" * height, f"\x1b[{height}A", SAVE, sequence, RESTORE]
        for line in self._centered(beside, height):
            parts += [f"\x1b[{column + 1}G{self._ansi(line)}" if line else "", "\n"]
        output.safe_line("".join(parts))  # with an empty line below

    def _print(self, picture: Sequence[Text], beside: Sequence[Text], column: int) -> None:
        height = max(len(picture), len(beside))
        for left, right in zip(
            [*picture, *[Text()] * (height - len(picture))], self._centered(beside, height), strict=True
        ):
            line = left.copy()
            if right:
                line.pad_right(column - line.cell_len)
                line.append_text(right)
            output.safe_line(self._ansi(line))
        output.safe_line("")

    def _centered(self, lines: Sequence[Text], height: int) -> list[Text]:
        above = (height - len(lines)) // 2
        return [Text()] * above + list(lines) + [Text()] * (height - above - len(lines))

    def _ansi(self, line: Text) -> str:
        with self.console.capture() as captured:
            self.console.print(line, end="", no_wrap=True, crop=False, overflow="ignore")
        return captured.get()

    def _blocks(self, picture: Image.Image, columns: int, rows: int) -> list[Text]:
        """A picture of characters, two pixels each, or as shades where there are no colors."""
        if self.console.color_system is None or self.console.no_color or not output.can_write(HALF):
            gray = picture.convert("L").resize((columns, rows), Image.Resampling.BOX).tobytes()
            shades = "".join(SHADES[value * len(SHADES) // 256] for value in gray)
            return [Text(shades[start : start + columns]) for start in range(0, len(shades), columns)]
        pixels = picture.convert("RGB").resize((columns, 2 * rows), Image.Resampling.BOX).tobytes()
        colors = [Color.from_rgb(*pixels[at : at + 3]) for at in range(0, len(pixels), 3)]
        halves = [colors[start : start + columns] for start in range(0, len(colors), columns)]
        return [
            Text.assemble(
                *((HALF, Style(color=above, bgcolor=below)) for above, below in zip(*pair, strict=True))
            )
            for pair in zip(halves[::2], halves[1::2], strict=True)
        ]
