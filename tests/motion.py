"""The encoder of clips that docs/models.md describes, and videos that only such an encoder can tell apart.

It sees where light moves. Frames of a square that moves left are those of one that moves right, in another order.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.made_videos import Picture, write_video

SIDE = 64
PAGE = Path(__file__).parents[1] / "docs" / "models.md"
EXAMPLE = next(
    code for code in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL) if "class Motion" in code
)


def _class_of_the_page() -> Any:
    names: dict[str, Any] = {}
    exec(EXAMPLE.partition("\n\n\nindex_videos(")[0], names)
    return names["Motion"]


Motion: Any = _class_of_the_page()


class SpokenMotion(Motion):  # type: ignore[misc]
    """The same with a text side: it reads `left`, `right`, `up` and `down`."""

    model_name = "spoken motion"
    text_fingerprint = "directions"

    def encode_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        known = {"left": (-1, 0, 0), "right": (1, 0, 0), "up": (0, -1, 0), "down": (0, 1, 0)}
        return np.array([known.get(text, (0, 0, 1)) for text in texts], np.float32)


def moving_square(
    directions: Sequence[str], seconds: float = 4.0, fps: int = 10, gray: int = 255
) -> Iterator[Picture]:
    """A square that crosses the picture once for each direction, `left`, `right` or `rest`, in so many seconds."""
    count = round(seconds * fps)
    for direction in directions:
        for number in range(count):
            place = {"right": number, "left": count - 1 - number, "rest": count // 2}[direction]
            picture = np.zeros((SIDE, SIDE, 3), np.uint8)
            start = round(place * (SIDE - 16) / (count - 1))
            picture[24:40, start : start + 16] = gray
            yield picture


def write_square(path: Path, *directions: str, **options: Any) -> Path:
    """A video of `moving_square`, at 10 frames a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_video(path, moving_square(directions, **options), fps=10)
