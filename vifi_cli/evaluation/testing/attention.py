"""Attention in frames of a video: each frame is cropped as in a test, and gets a map."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from vifi_cli.model.folders.loading import LoadedModel
from vifi_cli.model.looking.frame_maps import IN_WORDS, SOURCES, Method, choose_method, look
from vifi_cli.model.towers.clip_transform import center_crop, normalized, square_side, test_short_side
from vifi_cli.model.towers.vifi_clip import unit_length
from vifi_cli.video.decode.bilinear import resize_bilinear, short_side_size
from vifi_cli.video.decode.picture import Picture

FRAMES_AT_ONCE = 8

Statistics = tuple[float, float, float]
Map = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class CropBox:
    """The part of a frame that a model sees, in shares of height and width from the upper left corner."""

    top: float
    left: float
    bottom: float
    right: float

    @property
    def outside(self) -> float:
        """The share of the frame outside the box."""
        return 1 - (self.bottom - self.top) * (self.right - self.left)


@dataclass(frozen=True, slots=True, eq=False)
class FrameAttention:
    """Where a model looks in a frame.

    Attributes:
        map: float32 (rows, columns) over the box, not negative; its scale depends on the method.
        cosine: of the frame's own embedding with the text, -1 to 1; None without a text.
    """

    map: Map
    cosine: float | None


@dataclass(frozen=True, slots=True)
class WatchedModel:
    """A model and the method that shows where it looks.

    Attributes:
        name: of the model.
        visual: its image tower, in evaluation mode.
        method: one that `frame_maps.choose_method` accepts for the tower.
        size: S, side of the tower's input.
        mean: of each colour, subtracted from pixels scaled to 0..1.
        std: of each colour, divided by.
        device: of the tower.
        text: the embedding (D,) of the text, of length 1, or None.
    """

    name: str
    visual: nn.Module = field(repr=False)
    method: Method
    size: int
    mean: Statistics = field(repr=False)
    std: Statistics = field(repr=False)
    device: torch.device
    text: Tensor | None = field(default=None, repr=False)

    @property
    def explained(self) -> str:
        """The method in words, with its source."""
        return f"{IN_WORDS[self.method]} ({SOURCES[self.method]})"

    @property
    def caption(self) -> str:
        """The model and the method."""
        return f"{self.name}: {self.explained}"

    def box(self, height: int, width: int) -> CropBox:
        """The part of frames of this height and width that the model sees."""
        rows, columns = short_side_size(height, width, test_short_side(self.size))
        top, left = (rows - self.size) // 2 / rows, (columns - self.size) // 2 / columns
        return CropBox(top, left, top + self.size / rows, left + self.size / columns)

    def see(
        self, pictures: Sequence[Picture], watch: Callable[[int], object] = lambda count: None
    ) -> list[FrameAttention]:
        """Maps of complete frames, uint8 (H, W, 3), each on its own; `watch` receives how many more are done."""
        seen: list[FrameAttention] = []
        for start in range(0, len(pictures), FRAMES_AT_ONCE):
            some = torch.stack([self._cut(picture) for picture in pictures[start : start + FRAMES_AT_ONCE]])
            images = normalized(some.to(self.device), self.mean, self.std)
            found = look(self.visual, images, self.method, self.text)
            maps: npt.NDArray[np.float32] = found.maps.cpu().numpy()
            seen += map(FrameAttention, maps, self._cosines(found.embeddings))
            watch(len(some))
        return seen

    def _cosines(self, embeddings: Tensor) -> Sequence[float | None]:
        if self.text is None:
            return [None] * len(embeddings)
        cosines: list[float] = (unit_length(embeddings) @ self.text).tolist()
        return cosines

    def _cut(self, picture: Picture) -> Tensor:
        """The centre of a frame as in the published test: uint8 (3, S, S)."""
        height, width, _ = picture.shape
        scaled = resize_bilinear(picture, *short_side_size(height, width, test_short_side(self.size)))
        return center_crop(scaled[None], self.size)[0]


def watch_model(
    name: str,
    loaded: LoadedModel,
    device: torch.device,
    text: str | None = None,
    method: Method | None = None,
) -> WatchedModel:
    """Prepares a model to show where it looks.

    Args:
        name: of the model.
        loaded: is moved to the device.
        device: where it runs.
        text: show the evidence for it, as it is, without a template; None shows attention without a text.
        method: None for the one that suits the model.

    Raises:
        InvalidInput: the method does not fit the model.
    """
    network, preprocessing = loaded.network.to(device).eval(), loaded.card.preprocessing
    size = square_side(preprocessing.geometry, name)
    embedding = None
    if text is not None:
        with torch.no_grad():
            embedding = network.encode_classes(loaded.tokenizer([text]).to(device))[0].float()
    return WatchedModel(
        name,
        network.visual,
        choose_method(network.visual, method, has_text=text is not None),
        size,
        preprocessing.mean,
        preprocessing.std,
        device,
        embedding,
    )
