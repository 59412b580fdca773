"""Models that average the pictures of a clip: the index sees them as evaluation and training do."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from tests.made_videos import textured_frames, write_video
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.library.encoders import EncoderChoice, load_query_encoder
from vifi_cli.api.library.indexing import index_videos
from vifi_cli.errors import EncoderMismatch
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.model.preprocessing import Preprocessing
from vifi_cli.model.registry.card import Fusion
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import (
    ViFiClipEncoder,
    ViFiEncoder,
    is_compiled,
    load_encoder,
    quick_vision_fingerprint_of,
)
from vifi_cli.model.runtime.onnx_or_torch import frames_runtime
from vifi_cli.model.runtime.torch_runtime import ClipPixelTower
from vifi_cli.model.storage.loading import LoadedModel, load_vifi_clip
from vifi_cli.model.storage.writing import write_model_folder
from vifi_cli.video.clips.clip_cutting import ClipLength, frames_at_even_times
from vifi_cli.video.decode.decoder import decode_frames
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.pictures.frames import FrameGeometry, Frames

Pixels = npt.NDArray[np.uint8]


def write_model(base: Path | str, folder: Path, fusion: Fusion, frames: int | None = 4) -> Path:
    """The base's weights in a folder of their own, as if tuned with a fusion on clips of so many frames."""
    model = load_vifi_clip(resolve_model(str(base)))
    model.network.fusion = fusion
    origin = {"base": str(base)} | ({"frames": str(frames)} if frames else {})
    write_model_folder(folder, model.network, replace(model.card, tuned=("image", "text"), origin=origin))
    return folder


def embed_as_in_evaluation(model: LoadedModel, clips: Pixels) -> torch.Tensor:
    """From clips uint8 (N, T, H, W, 3) to embeddings of length 1, as `vifi eval` and `vifi classify` make them."""
    mean, std = (
        torch.tensor(values).reshape(3, 1, 1)
        for values in (model.card.preprocessing.mean, model.card.preprocessing.std)
    )
    images = torch.from_numpy(clips).permute(0, 1, 4, 2, 3).float() / 255
    with torch.inference_mode():
        return model.network.encode_clips((images - mean) / std)


def test_clips_are_embedded_as_in_evaluation(tiny_clip: Path, tmp_path: Path) -> None:
    folder = write_model(tiny_clip, tmp_path / "blend", "image")
    encoder = load_encoder(resolve_model(str(folder)), "cpu")
    assert isinstance(encoder, ViFiClipEncoder)
    assert encoder.clip_length == ClipLength(4, 2.0)
    clips = np.random.default_rng(0).integers(0, 256, (3, 4, 32, 32, 3), np.uint8)
    found = encoder.encode_clips(clips)
    expected = embed_as_in_evaluation(load_vifi_clip(resolve_model(str(folder))), clips)
    np.testing.assert_allclose(found / np.linalg.norm(found, axis=1, keepdims=True), expected, atol=1e-5)
    of_frames = load_encoder(resolve_model(str(tiny_clip)), "cpu")
    assert isinstance(of_frames, ViFiEncoder)
    assert not np.allclose(
        found, of_frames.encode_frames(clips.reshape(-1, 32, 32, 3)).reshape(3, 4, -1).mean(1), atol=1e-3
    )
    assert encoder.encode_clips(clips[:0]).shape == (0, encoder.dimension)
    with pytest.raises(ValueError, match="uint8"):
        encoder.encode_clips(clips[:, :2])


def test_fusion_and_frames_are_part_of_the_fingerprint(tiny_clip: Path, tmp_path: Path) -> None:
    fingerprints = {
        name: load_encoder(resolve_model(str(write_model(tiny_clip, tmp_path / name, fusion, frames))), "cpu")
        for name, fusion, frames in (
            ("plain", "embedding", 4),
            ("decision", "decision", 4),
            ("blend", "image", 4),
            ("more", "image", 16),
            ("unknown", "image", None),
        )
    }
    found = {name: encoder.vision_fingerprint for name, encoder in fingerprints.items()}
    assert (
        found["plain"]
        == found["decision"]
        == load_encoder(resolve_model(str(tiny_clip)), "cpu").vision_fingerprint
    )
    assert len(set(found.values())) == 4
    unknown = fingerprints["unknown"]
    assert isinstance(unknown, ViFiClipEncoder)
    assert unknown.clip_length == ClipLength(8, 2.0)


def test_the_index_of_a_clip_is_its_embedding_in_evaluation(tiny_clip: Path, tmp_path: Path) -> None:
    folder = write_model(tiny_clip, tmp_path / "blend", "image")
    (tmp_path / "videos").mkdir()
    path = write_video(tmp_path / "videos" / "clip.mp4", textured_frames(20, seed=3), fps=10, gop=5)
    index_videos(tmp_path / "videos", folder=tmp_path / "index", model=str(folder), device="cpu")
    encoder, model = (
        load_encoder(resolve_model(str(folder)), "cpu"),
        load_vifi_clip(resolve_model(str(folder))),
    )
    with Catalog(tmp_path / "index" / CATALOG_FILE) as catalog:
        assert catalog.indexed_with.sampling == FrameSampling(2.0, 8)
        (video,) = catalog.videos()
        starts, embeddings = catalog.frames(video.id)
        chunks = [
            each
            for each in decode_frames(path, FrameSampling(2.0, 8), encoder.geometry)
            if isinstance(each, Frames)
        ]
        assert starts.tolist() == [0.0]  # two seconds are one clip
    (chunk,) = chunks
    seen = chunk.pixels[frames_at_even_times(chunk.seconds, 0.0, ClipLength(4, 2.0))]
    expected = embed_as_in_evaluation(model, seen[None])
    unit = embeddings.astype(np.float32) / np.linalg.norm(
        embeddings.astype(np.float32), axis=1, keepdims=True
    )
    np.testing.assert_allclose(unit, expected, atol=2e-3)  # the catalog keeps float16


def test_an_index_of_frames_is_refused(tiny_clip: Path, tmp_path: Path) -> None:
    folder = write_model(tiny_clip, tmp_path / "blend", "image")
    (tmp_path / "videos").mkdir()
    write_video(tmp_path / "videos" / "clip.mp4", textured_frames(20), fps=10)
    index_videos(tmp_path / "videos", folder=tmp_path / "index", model=str(tiny_clip), device="cpu")
    with (
        Catalog(tmp_path / "index" / CATALOG_FILE) as catalog,
        pytest.raises(EncoderMismatch, match="blend encodes images"),
    ):
        load_query_encoder(catalog.indexed_with, EncoderChoice(str(folder), "cpu"), AUTOMATIC)
    with pytest.raises(EncoderMismatch, match="blend encodes images differently: omit --model, rebuild"):
        index_videos(folder=tmp_path / "index", model=str(folder), device="cpu")


def test_a_convolutional_tower_averages_in_onnx_runtime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIFI_HOME", str(tmp_path / "home"))
    layers = [
        nn.Conv2d(3, 4, 3),
        *(nn.Conv2d(4, 4, 1) for _ in range(9)),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    ]
    torch.manual_seed(0)
    geometry = FrameGeometry(8, 8)
    tower = ClipPixelTower(nn.Sequential(*layers), Preprocessing(geometry, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)))
    run = frames_runtime(tower, geometry, torch.device("cpu"), "c" * 64, clip_frames=3)
    assert run.description == "onnxruntime on cpu"
    clips = np.random.default_rng(1).integers(0, 256, (5, 3, 8, 8, 3), np.uint8)
    mean = torch.from_numpy(clips).float().mean(1)  # of the pixels, not rounded
    normalized = (mean / 255 - torch.tensor((0.5, 0.4, 0.3))) / torch.tensor((0.2, 0.3, 0.4))
    with torch.inference_mode():
        expected = nn.Sequential(*layers)(normalized.permute(0, 3, 1, 2))
    np.testing.assert_allclose(run(clips), expected, atol=1e-5)


def test_a_tuned_starter_has_another_fingerprint_without_being_loaded(tmp_path: Path) -> None:
    plain, blend = (
        resolve_model(str(write_model("starter", tmp_path / fusion, fusion)))
        for fusion in ("embedding", "image")
    )
    assert quick_vision_fingerprint_of(plain) != quick_vision_fingerprint_of(blend) is not None
    assert not is_compiled(blend, "cpu")
