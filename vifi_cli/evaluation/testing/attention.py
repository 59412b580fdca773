"""Where a model looks in frames of a video: each frame cut as in a test, and a map of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from vifi_cli.model.folders.folder import LoadedModel
from vifi_cli.model.looking.frame_maps import IN_WORDS, SOURCES, Method, choose_method, look
from vifi_cli.model.towers.clip_transform import centre_crop, normalised, square_side, test_short_side
from vifi_cli.model.towers.vifi_clip import unit_length
from vifi_cli.video.decode.bilinear import resize_bilinear, short_side_size
from vifi_cli.video.decode.picture import Picture

FRAMES_AT_ONCE = 8

Statistics = tuple[float, float, float]
Map = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class CropBox:
    """The part of a frame that a model is given, in shares of its height and width, from the upper left corner."""

    top: float
    left: float
    bottom: float
    right: float

    @property
    def outside(self) -> float:
        """The share of the frame that is not in it."""
        return 1 - (self.bottom - self.top) * (self.right - self.left)


@dataclass(frozen=True, slots=True, eq=False)
class SeenFrame:
    """What a model makes of a frame.

    Attributes:
        map: where it looks, float32 (rows, columns) over the box, not negative; its scale is that of the method.
        cosine: of the frame's own embedding with the text, -1 to 1; None where there is no text.
    """

    map: Map
    cosine: float | None


@dataclass(frozen=True, slots=True)
class Looker:
    """A model that is watched while it looks at frames.

    Attributes:
        name: of the model.
        visual: its image tower, in evaluation mode.
        method: by which maps are made; one that `model.frame_maps.choose_method` gave.
        size: S, of the tower's picture.
        mean: of each colour, subtracted from pixels scaled to 0..1.
        std: of each colour, divided by.
        device: where the tower is.
        text: the embedding (D,) of the text, of length 1, or None.
    """

    name: str
    visual: nn.Module
    method: Method
    size: int
    mean: Statistics
    std: Statistics
    device: torch.device
    text: Tensor | None = None

    @property
    def explained(self) -> str:
        """The method in words, with its source."""
        return f"{IN_WORDS[self.method]} ({SOURCES[self.method]})"

    @property
    def caption(self) -> str:
        """The model and the method."""
        return f"{self.name}: {self.explained}"

    def box(self, height: int, width: int) -> CropBox:
        """What part of frames of this height and width the model is given."""
        rows, columns = short_side_size(height, width, test_short_side(self.size))
        top, left = (rows - self.size) // 2 / rows, (columns - self.size) // 2 / columns
        return CropBox(top, left, top + self.size / rows, left + self.size / columns)

    def see(
        self, pictures: Sequence[Picture], watch: Callable[[int], object] = lambda count: None
    ) -> list[SeenFrame]:
        """Look at whole frames, uint8 (H, W, 3), each for itself; `watch` is told how many more are done."""
        seen: list[SeenFrame] = []
        for start in range(0, len(pictures), FRAMES_AT_ONCE):
            some = torch.stack([self._cut(picture) for picture in pictures[start : start + FRAMES_AT_ONCE]])
            images = normalised(some.to(self.device), self.mean, self.std)
            found = look(self.visual, images, self.method, self.text)
            maps: npt.NDArray[np.float32] = found.maps.cpu().numpy()
            seen += map(SeenFrame, maps, self._cosines(found.embeddings))
            watch(len(some))
        return seen

    def _cosines(self, embeddings: Tensor) -> Sequence[float | None]:
        if self.text is None:
            return [None] * len(embeddings)
        cosines: list[float] = (unit_length(embeddings) @ self.text).tolist()
        return cosines

    def _cut(self, picture: Picture) -> Tensor:
        """The centre of a frame as in a published test: uint8 (3, S, S)."""
        height, width, _ = picture.shape
        scaled = resize_bilinear(picture, *short_side_size(height, width, test_short_side(self.size)))
        return centre_crop(scaled[None], self.size)[0]


def watch_model(
    name: str,
    loaded: LoadedModel,
    device: torch.device,
    text: str | None = None,
    method: Method | None = None,
) -> Looker:
    """Make a model ready to be watched.

    Args:
        name: of the model.
        loaded: moved to the device.
        device: where it runs.
        text: what is looked for, put into no template; None to see what the model looks at by itself.
        method: of making maps; None for the one that suits the model.

    Raises:
        InvalidInput: no map can be made of this model, or not by that method.
    """
    network, preprocessing = loaded.network.to(device).eval(), loaded.card.preprocessing
    size = square_side(preprocessing.geometry, name)
    embedding = None
    if text is not None:
        with torch.no_grad():
            embedding = network.encode_classes(loaded.tokenizer([text]).to(device))[0].float()
    return Looker(
        name,
        network.visual,
        choose_method(network.visual, method, has_text=text is not None),
        size,
        preprocessing.mean,
        preprocessing.std,
        device,
        embedding,
    )
