"""An XCLIPModel as transformers saves it gives the embeddings of transformers in an index."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.made_videos import textured_frames, write_video
from tests.model.architectures.test_transformers_folder import copied
from tests.small_transformers import random_weights, transformers
from vifi_cli.api.library.indexing import index_videos
from vifi_cli.api.search.open_index import open_index
from vifi_cli.errors import InvalidInput, ModelUnavailable
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import ViFiClipEncoder, load_encoder
from vifi_cli.model.storage.loading import load_vifi_clip
from vifi_cli.video.clips.clip_cutting import ClipLength

TOWER = {"num_hidden_layers": 2, "num_attention_heads": 4}
MEAN, STD = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A folder, and the model in it, with clips of four frames."""
    text = {**TOWER, "hidden_size": 32, "intermediate_size": 96, "vocab_size": 49408, "eos_token_id": 49407}
    vision = {
        **TOWER,
        "hidden_size": 64,
        "intermediate_size": 100,
        "image_size": 32,
        "patch_size": 8,
        "num_frames": 4,
        "mit_hidden_size": 16,
        "mit_intermediate_size": 40,
        "mit_num_hidden_layers": 2,
        "mit_num_attention_heads": 2,
    }
    config = transformers.XCLIPConfig(
        text_config=text, vision_config=vision, projection_dim=16, prompt_num_attention_heads=2
    )
    model = random_weights(transformers.XCLIPModel(config))
    folder = tmp_path_factory.mktemp("transformers") / "x-clip"
    model.save_pretrained(folder)
    preprocessor = {
        "image_processor_type": "VideoMAEImageProcessor",
        "do_center_crop": True,
        "crop_size": {"height": 32, "width": 32},
        "image_mean": MEAN,
        "image_std": STD,
        "resample": 2,
        "size": {"shortest_edge": 32},
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    return folder, model


@torch.inference_mode()
def test_embeddings_are_those_of_transformers(made: tuple[Path, Any]) -> None:
    folder, model = made
    encoder = load_encoder(resolve_model(str(folder)), "cpu")
    assert isinstance(encoder, ViFiClipEncoder)
    assert (encoder.clip_length, encoder.dimension) == (ClipLength(4, 2.0), 16)
    clips = np.random.default_rng(0).integers(0, 256, (3, 4, 32, 32, 3), np.uint8)
    images = torch.from_numpy(clips).permute(0, 1, 4, 2, 3).float() / 255
    normalized = (images - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    expected = model.get_video_features(normalized).pooler_output
    found = encoder.encode_clips(clips)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))
    backwards = encoder.encode_clips(clips[:, ::-1].copy())
    assert np.abs(backwards - found).max() > 3e-4 * np.abs(found).max()  # it sees the order, even in noise
    texts = ["a dog", "two people dance in the rain"]
    from open_clip import SimpleTokenizer

    tokens = SimpleTokenizer()(texts)
    of_texts = torch.nn.functional.normalize(model.get_text_features(tokens).pooler_output, dim=1)
    np.testing.assert_allclose(encoder.encode_texts(texts), of_texts, atol=1e-5)
    assert "prompts are left out" in encoder.description


def test_its_index_is_searched_by_words(made: tuple[Path, Any], tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    write_video(tmp_path / "videos" / "clip.mp4", textured_frames(40), fps=10)
    index_videos(tmp_path / "videos", folder=tmp_path / "index", model=str(made[0]), device="cpu")
    with Catalog(tmp_path / "index" / CATALOG_FILE) as catalog:
        (video,) = catalog.videos()
        assert catalog.frames(video.id)[0].tolist() == [0.0, 1.0, 2.0]
        assert catalog.indexed_with.clip_length == ClipLength(4, 2.0)
    with open_index(tmp_path / "index", device="cpu") as index:
        assert len(index.search("a dog", min_score=0)) > 0
        assert index.search("a dog", min_score=0)[0].relevance is not None


def test_other_commands_refuse_it(made: tuple[Path, Any]) -> None:
    with pytest.raises(InvalidInput, match="is an X-CLIP, which vifi runs for the index alone"):
        load_vifi_clip(resolve_model(str(made[0])))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vision_config": {"mit_hidden_size": 32}}, "mit_hidden_size is 32, and projection_dim 16"),
        ({"vision_config": {"mit_num_attention_heads": 3}}, "3 heads do not divide 16"),
        ({"vision_config": {"num_frames": 0}}, "num_frames is 0"),
        ({"vision_config": {"mit_num_hidden_layers": 10**9}}, "mit_num_hidden_layers is 1000000000"),
        ({"model_type": "xclip_vision_model"}, "the image tower of a X-CLIP alone"),
        (
            {"vision_config": {"num_frames": 8}},
            "mit.position_embedding is 1 x 4 x 16, and should be 1 x 8 x 16",
        ),
        ({"vision_config": {"num_hidden_layers": 3}}, "is missing"),
    ],
)
def test_what_does_not_fit_is_refused(
    made: tuple[Path, Any], tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    folder = copied(made[0], tmp_path / "other", **changes)
    with pytest.raises((InvalidInput, ModelUnavailable), match=message):
        load_encoder(resolve_model(str(folder)), "cpu")
