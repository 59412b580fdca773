"""Lines at the bottom of a terminal that change while other output goes on above them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console, ConsoleRenderable, RenderHook
from rich.control import Control
from rich.file_proxy import FileProxy
from rich.segment import ControlCode, ControlType
from rich.text import Text

DRAWN_A_SECOND = 5


class LiveLines(RenderHook):
    """Draws lines a few times a second; what anybody writes meanwhile appears above them.

    Unlike `rich.live`, it leaves the cursor visible, also for whoever is killed or suspended, clears what a narrower
    terminal has wrapped, and leaves a stdout alone that leads into a pipe.
    """

    def __init__(self, draw: Callable[[Console, int], Sequence[Text]]) -> None:
        """`draw` makes the lines for a console, none wider than the cells that it receives."""
        self.console = _OneAtATime(stderr=True, soft_wrap=True, highlight=False)
        self._draw = draw
        self._drawn: list[int] = []  # the widths of the lines on the screen
        self._done = threading.Event()
        self._streams: dict[str, Any] = {}
        self._thread = threading.Thread(target=self._keep_drawing, name="progress", daemon=True)

    def start(self) -> None:
        """Begins to draw, after a moment: short work shows nothing."""
        self.console.push_render_hook(self)
        for name in ("stderr", "stdout"):
            stream = getattr(sys, name)
            if stream.isatty():
                self._streams[name] = stream
                setattr(sys, name, FileProxy(self.console, stream))
        self._thread.start()

    def stop(self) -> None:
        """Clears the lines, and gives the streams back."""
        self._done.set()
        with self.console.lock:
            for name, stream in self._streams.items():
                if isinstance(proxy := getattr(sys, name), FileProxy):
                    setattr(sys, name, stream)
                    proxy.flush()  # a line that was not ended
            self._draw = lambda console, width: ()
            self.console.print(Control())
            self.console.pop_render_hook()

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Puts output above the lines."""
        width, height = self.console.size
        clearing = self._clearing(width)
        lines = list(self._draw(self.console, width - 1))[-max(height - 1, 1) :]
        self._drawn = [line.cell_len for line in lines]
        below = Text("\n", end="", no_wrap=True).join(lines)
        return [clearing, *renderables, *([below] if lines else [])]

    def _clearing(self, width: int) -> Control:
        """Erases what is drawn; a terminal that became narrower shows a long line in several rows."""
        rows = sum(max(1, -(-cells // width)) for cells in self._drawn)
        if not rows:
            return Control()
        erase: ControlCode = (ControlType.ERASE_IN_LINE, 2)
        up: ControlCode = (ControlType.CURSOR_UP, 1)
        return Control(ControlType.CARRIAGE_RETURN, erase, *(rows - 1) * (up, erase))

    def _keep_drawing(self) -> None:
        while not self._done.wait(1 / DRAWN_A_SECOND):
            with self.console.lock:
                if not self._done.is_set():
                    self.console.print(Control())


class _OneAtATime(Console):
    """A console that writes what one call prints before it looks at what the next one prints."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.lock = threading.RLock()

    def print(self, *objects: Any, **settings: Any) -> None:
        """Prints as `Console.print` does."""
        with self.lock:
            super().print(*objects, **settings)
