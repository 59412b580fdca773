"""Where a model looks in frames, each cropped as in a test."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vifi_cli.model.attention.frame_maps import IN_WORDS, SOURCES, Method, choose_method, look
from vifi_cli.model.storage.loading import LoadedModel
from vifi_cli.model.towers.clip_transform import center_crop, normalized, square_side, test_short_side
from vifi_cli.model.towers.vifi_clip import unit_length
from vifi_cli.video.pictures.bilinear import resize_bilinear, short_side_size
from vifi_cli.video.pictures.picture import Picture

FRAMES_AT_ONCE = 8

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

    `map` is float32 (rows, columns) over the box, not negative; its scale depends on the method. `cosine` compares the
    frame's embedding with the text.
    """

    map: Map
    cosine: float | None


@dataclass(frozen=True, slots=True)
class WatchedModel:
    """A model on its device, and a method that fits it; `text` is the embedding (D,) of the text, of length 1."""

    name: str
    loaded: LoadedModel = field(repr=False)
    method: Method
    size: int  # S, the side of the encoder's input
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
        """The part of frames of this size that the model sees."""
        rows, columns = short_side_size(height, width, test_short_side(self.size))
        top, left = (rows - self.size) // 2 / rows, (columns - self.size) // 2 / columns
        return CropBox(top, left, top + self.size / rows, left + self.size / columns)

    def see(self, pictures: Sequence[Picture]) -> Iterator[FrameAttention]:
        """Maps of complete frames, uint8 (H, W, 3), one by one; they are computed eight at a time."""
        preprocessing = self.loaded.card.preprocessing
        for start in range(0, len(pictures), FRAMES_AT_ONCE):
            some = torch.stack([self._cut(picture) for picture in pictures[start : start + FRAMES_AT_ONCE]])
            images = normalized(some.to(self.device), preprocessing.mean, preprocessing.std)
            found = look(self.loaded.network.visual, images, self.method, self.text)
            maps: npt.NDArray[np.float32] = found.maps.cpu().numpy()
            yield from map(FrameAttention, maps, self._cosines(found.embeddings))

    def _cosines(self, embeddings: Tensor) -> Sequence[float | None]:
        if self.text is None:
            return [None] * len(embeddings)
        cosines: list[float] = (unit_length(embeddings) @ self.text).tolist()
        return cosines

    def _cut(self, picture: Picture) -> Tensor:
        """The center of a frame as in the published test: uint8 (3, S, S)."""
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
    """Prepares a model, which is moved to the device, to show where it looks.

    The text is used as it is, without a template. Without a method, the one that suits the model is used.

    Raises:
        InvalidInput: the method does not fit the model.
    """
    size = square_side(loaded.card.preprocessing.geometry, name)
    network = loaded.network.to(device).eval()
    embedding = None
    if text is not None:
        with torch.no_grad():
            embedding = network.encode_classes(loaded.tokenizer([text]).to(device))[0].float()
    chosen = choose_method(network.visual, method, has_text=text is not None)
    return WatchedModel(name, loaded, chosen, size, device, embedding)
