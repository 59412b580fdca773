"""Distinguishes a video that the model cannot embed from a model that cannot embed anything."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vifi_cli.errors import IndexProblem
from vifi_cli.index.arrays import Float16Array
from vifi_cli.index.catalog.records import EncodedVideo, FailedFile
from vifi_cli.index.encoder import Encoder, embed_still
from vifi_cli.video.files.video_file import VideoFile

MANY_IN_A_ROW = 16
NOT_FINITE = "the model gives it embeddings that are not finite numbers: try `--retry-failed --device cpu`"


@dataclass(frozen=True, slots=True)
class NotFinite:
    """A video with embeddings that are not finite float16 numbers."""

    file: VideoFile


def to_float16(embeddings: npt.NDArray[np.float32]) -> Float16Array:
    """Embeddings as the catalog keeps them; numbers too large for that become infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return embeddings.astype(np.float16)


def is_finite(embeddings: npt.NDArray[np.floating]) -> bool:
    """Whether all embeddings are finite numbers."""
    return bool(np.isfinite(embeddings).all())


class ModelGuard:
    """Turns videos with embeddings that are not finite into failures, unless the model is to blame."""

    def __init__(self, encoder: Encoder) -> None:
        # not finite, in a row; judged when a video with finite embeddings comes
        self.held: list[FailedFile] = []
        self._encoder = encoder
        self._has_worked = False

    def judge(
        self, outcomes: Iterable[EncodedVideo | FailedFile | NotFinite]
    ) -> Iterator[EncodedVideo | FailedFile]:
        """Passes outcomes on; raises IndexProblem if the model gives no finite embeddings at all."""
        for outcome in outcomes:
            if isinstance(outcome, NotFinite):
                self.held.append(FailedFile(outcome.file, NOT_FINITE))
                self._suspect_model()
            else:
                if isinstance(outcome, EncodedVideo):
                    self._has_worked = True
                    yield from self._release()
                yield outcome
        if len(self.held) >= MANY_IN_A_ROW:
            yield from self._release()

    def _release(self) -> Iterator[FailedFile]:
        released, self.held = self.held, []
        yield from released

    def _suspect_model(self) -> None:
        is_first, are_many = not self._has_worked and len(self.held) == 1, len(self.held) == MANY_IN_A_ROW
        never_works = are_many and not self._has_worked
        if never_works or ((is_first or are_many) and not self._embeds_simple_pictures()):
            raise IndexProblem(
                f"{self._encoder.model_name} gave embeddings that are not finite numbers: "
                "try `--device cpu`, and check the model with `vifi model show`"
            )

    def _embeds_simple_pictures(self) -> bool:
        """Whether the model embeds a gray picture or one that brightens from left to right."""
        shape = self._encoder.geometry.height, self._encoder.geometry.width, 3
        gray = np.full(shape, 128, np.uint8)
        brightening = np.broadcast_to(np.linspace(0, 255, shape[1]).astype(np.uint8)[None, :, None], shape)
        return any(
            is_finite(to_float16(embed_still(self._encoder, picture))) for picture in (gray, brightening)
        )
