"""A model as mteb evaluates it: an encoder of texts, images and videos.

mteb (Muennighoff et al., MTEB: Massive Text Embedding Benchmark, 2023) asks for the methods of its `EncoderProtocol`.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vifi_cli.api.feedback import AUTOMATIC, Feedback
from vifi_cli.api.models.video_model import VideoModel, load_model
from vifi_cli.errors import InvalidInput, MissingDependency, UnreadableVideo
from vifi_cli.model.registry.languages import reads_english_only
from vifi_cli.model.storage.digest import digest_of_model
from vifi_cli.model.towers.clip_transform import center_crop, square_side, test_short_side
from vifi_cli.model.towers.vifi_clip import unit_length
from vifi_cli.processors import usable_processors
from vifi_cli.video.clips.clip_sampling import test_frame_indices
from vifi_cli.video.pictures.bilinear import resize_bilinear, short_side_size
from vifi_cli.video.pictures.picture_files import scaled_picture

if TYPE_CHECKING:
    from mteb.models.model_meta import ModelMeta

Embeddings = npt.NDArray[np.float32]
_REVISION_DIGITS = 40  # as the hub's
_MODALITIES = ("text", "image", "video")


@dataclass(frozen=True, slots=True, eq=False)
class MtebModel:
    """An encoder for `mteb.evaluate`; embeddings have length 1.

    Attributes:
        model: the model.
        frames: of a clip, spread evenly over a video, as in `vifi eval`.
        mteb_model_meta: name, revision and size, under which mteb keeps results.
    """

    model: VideoModel
    frames: int
    mteb_model_meta: "ModelMeta"

    def encode(self, inputs: Any, *, show_progress_bar: bool = True, **_: object) -> Embeddings:
        """Embed the rows of a data loader: float32 (N, D).

        A row of several modalities gets the sum of their embeddings, scaled to length 1. Tasks' instructions are
        ignored, as with other CLIPs. Raises UnreadableVideo for a video that cannot be decoded.
        """
        from tqdm.auto import tqdm

        parts = [
            self._embed_batch(batch)
            for batch in tqdm(_undecoded(inputs), desc="Encoding", disable=not show_progress_bar)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, self.model.dimension), np.float32)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Tensor:
        """The cosine of each of the first with each of the second embeddings: (N, M)."""
        return _units(embeddings1) @ _units(embeddings2).T

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Tensor:
        """The cosine of each of the first embeddings with the one at its place in the second: (N,)."""
        return (_units(embeddings1) * _units(embeddings2)).sum(-1)

    def _embed_batch(self, batch: Mapping[str, Any]) -> Embeddings:
        embed: dict[str, Callable[[Sequence[Any]], Embeddings]] = {
            "text": self.model.embed_texts,
            "image": self._embed_images,
            "video": self._embed_videos,
        }
        found = [embed[modality](batch[modality]) for modality in _MODALITIES if modality in batch]
        if not found:
            raise InvalidInput(f"vifi embeds text, image and video, and this task has {', '.join(batch)}")
        return found[0] if len(found) == 1 else unit_length(torch.from_numpy(sum(found))).numpy()

    def _embed_images(self, images: Sequence[Any]) -> Embeddings:
        geometry = self.model.loaded.card.preprocessing.geometry
        pixels = np.stack([scaled_picture(image, geometry) for image in images])
        return self._embed_clips(torch.from_numpy(pixels).permute(0, 3, 1, 2)[:, None])

    def _embed_videos(self, videos: Sequence[Any]) -> Embeddings:
        """Embed videos one by one, so that an embedding does not depend on the batch."""
        with (
            TemporaryDirectory(prefix="vifi-mteb-") as folder,
            ThreadPoolExecutor(min(usable_processors(), len(videos))) as readers,
        ):
            clips = readers.map(self._read, videos, [Path(folder) / str(i) for i in range(len(videos))])
            return np.concatenate([self._embed_clips(clip[None]) for clip in clips])

    def _read(self, video: Any, unpacked: Path) -> Tensor:
        """The test clip of a video, uint8 (T, 3, S, S); `unpacked` is a place for its file."""
        if isinstance(video, Mapping):  # as datasets describes a file that is not decoded
            video, name = video.get("bytes") or video.get("path"), str(video.get("path") or "")
            unpacked = unpacked.with_suffix(Path(name).suffix or ".mp4")
        if isinstance(video, bytes):
            unpacked.write_bytes(video)
            video = unpacked
        if not isinstance(video, str | Path):
            return self._cut(video)
        clip = self.model.test_clips([video], self.frames)[0]
        if clip.pixels is None:
            raise UnreadableVideo(f"{video}: {clip.reason}")
        return clip.pixels[0]

    def _cut(self, video: Any) -> Tensor:
        """The same from decoded frames, uint8 (N, 3, H, W), or from a decoder of torchcodec."""
        is_decoder = hasattr(video, "get_frames_at")
        total = video.metadata.num_frames if is_decoder else len(video)
        numbers = [int(number) for number in test_frame_indices(total, self.frames)]
        pixels = video.get_frames_at(numbers).data if is_decoder else video[numbers]
        pictures = pixels.permute(0, 2, 3, 1).cpu().numpy()
        side = square_side(self.model.loaded.card.preprocessing.geometry, self.model.name)
        size = short_side_size(pictures.shape[1], pictures.shape[2], test_short_side(side))
        return center_crop(np.stack([resize_bilinear(picture, *size) for picture in pictures]), side)

    @torch.inference_mode()
    def _embed_clips(self, clips: Tensor) -> Embeddings:
        """Embed clips, uint8 (B, T, 3, S, S), as `vifi eval` does."""
        network, enter = self.model.loaded.network, self.model.enter
        with enter.precision():
            frames = network.encode_frames(enter(clips))
        pooled = network.pool_frames(frames.float())
        if network.fusion == "decision":  # it has no embedding of a video, so the mean over frames is used
            pooled = unit_length(pooled.mean(1))
        embeddings: Embeddings = pooled.cpu().numpy()
        return embeddings


def mteb_model(
    name: str | Path | None = None,
    device: str = "auto",
    frames: int | None = None,
    feedback: Feedback = AUTOMATIC,
) -> MtebModel:
    """Loads a model as an encoder for mteb: `mteb.evaluate(mteb_model("runs/moves/best"), mteb.get_tasks(...))`.

    Args:
        name: as for `load_model`.
        device: `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.
        frames: of a clip; as in the model's training, or 8, if None.
        feedback: receives notes and progress of loading.

    Raises:
        MissingDependency: mteb, or a package that the model needs, is not installed.
        InvalidInput: the model is unknown, or takes pictures that are not square, or this machine lacks the device, or
            `frames` is not a number of frames.
        ModelUnavailable: the weights are unavailable or damaged.
    """
    if frames is not None and not (type(frames) is int and frames > 0):
        raise InvalidInput(f"frames is a number from 1 on, not {frames!r}")
    try:
        from mteb.models.model_meta import ModelMeta
    except ImportError as error:
        raise MissingDependency("mteb_model needs mteb: pip install 'mteb>=2.26'") from error
    model = load_model(name, device, feedback)
    square_side(model.loaded.card.preprocessing.geometry, model.name)
    weights = list(model.loaded.network.parameters())
    meta = ModelMeta(
        loader=None,
        name=f"vifi/{model.loaded.source.label}",
        revision=digest_of_model(model.loaded)[:_REVISION_DIGITS],
        release_date=None,
        languages=["eng-Latn"] if reads_english_only(model.loaded.source.name) else None,
        n_parameters=sum(tensor.numel() for tensor in weights),
        memory_usage_mb=round(sum(tensor.nbytes for tensor in weights) / 2**20),
        max_tokens=_context_length(model),
        embed_dim=model.dimension,
        license=None,
        open_weights=None,
        public_training_code=None,
        public_training_data=None,
        framework=["PyTorch"],
        similarity_fn_name="cosine",
        use_instructions=False,
        training_datasets=None,
        modalities=list(_MODALITIES),
        # results of another number of frames are those of an experiment
        experiment_kwargs={"frames": frames} if frames and frames != model.frames else None,
    )
    return MtebModel(model, frames or model.frames, meta)


def _context_length(model: VideoModel) -> int:
    """The most tokens of a text."""
    architecture = model.loaded.card.architecture
    if isinstance(architecture, str):
        from vifi_cli.model.towers.tokenizers.sentence_tokenizer import CONTEXT_LENGTH

        return CONTEXT_LENGTH
    return int(architecture["text_cfg"].get("context_length", 77))


def _undecoded(inputs: Any) -> Any:
    """A data loader whose videos are files, which vifi decodes as it does elsewhere, without torchcodec."""
    dataset = inputs.dataset
    if "video" not in getattr(dataset, "features", ()):
        return inputs
    from datasets import Video
    from torch.utils.data import DataLoader

    if not isinstance(dataset.features["video"], Video):
        return inputs
    files = dataset.cast_column("video", Video(decode=False))
    return DataLoader(files, inputs.batch_size, collate_fn=inputs.collate_fn, num_workers=inputs.num_workers)


def _units(embeddings: Any) -> Tensor:
    return unit_length(torch.as_tensor(embeddings))
