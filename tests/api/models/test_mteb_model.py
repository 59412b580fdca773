"""mteb's own mock tasks run with a vifi model, whose embeddings are those that vifi gives elsewhere."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.made_videos import solid_colour_clip
from tests.model.conftest import make_tiny_clip
from vifi_cli import mteb_model
from vifi_cli.api.models.mteb_model import MtebModel
from vifi_cli.errors import InvalidInput, MissingDependency, UnreadableVideo
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import load_encoder
from vifi_cli.video.pictures.picture_files import read_picture

mteb = pytest.importorskip("mteb", reason="mteb brings the tasks")

TASKS = (
    "MockRetrievalTask",
    "MockAny2AnyRetrievalI2T",
    "MockVisionCentricQA",
    "MockZeroShotClassification",
    "MockVideoZeroshotClassification",
    "MockVideoRetrievalT2V",
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> MtebModel:
    return mteb_model(make_tiny_clip(tmp_path_factory.mktemp("runs") / "moves" / "best"), device="cpu")


@pytest.fixture
def videos(tmp_path: Path) -> list[Path]:
    """Two clips that differ, each with a change of color."""
    paths = [tmp_path / "one.mp4", tmp_path / "other.mp4"]
    solid_colour_clip(paths[0], [("red", 1.0), ("blue", 1.0)])
    solid_colour_clip(paths[1], [("green", 2.0), ("white", 1.0)])
    return paths


def loader(features: Any = None, batch_size: int = 2, **columns: list[Any]) -> Any:
    """The rows of a task, as mteb hands them to an encoder."""
    from datasets import Dataset, Features
    from mteb._create_dataloaders import _custom_collate_fn
    from torch.utils.data import DataLoader

    rows = Dataset.from_dict(columns, features=None if features is None else Features(features))
    return DataLoader(rows, batch_size=batch_size, collate_fn=_custom_collate_fn)


def encode(model: MtebModel, rows: Any) -> Any:
    return model.encode(
        rows, task_metadata=None, hf_split="test", hf_subset="default", show_progress_bar=False
    )


# of two rows one class may never be predicted
@pytest.mark.filterwarnings("ignore:Precision is ill-defined::sklearn.metrics._classification")
def test_mock_tasks_run_for_text_image_and_video(model: MtebModel) -> None:
    from mteb.mocks import ALL_MOCK_TASK_TEST_GRID
    from mteb.models.models_protocols import EncoderProtocol

    assert isinstance(model, EncoderProtocol)
    tasks = [task for task in ALL_MOCK_TASK_TEST_GRID if task.metadata.name in TASKS]
    assert len(tasks) == len(TASKS)
    results = mteb.evaluate(model, tasks, cache=None, show_progress_bar=False, raise_error=True)
    assert {result.task_name for result in results.task_results} == set(TASKS)
    assert all(0 <= result.get_score() <= 1 for result in results.task_results)


def test_results_are_kept_under_the_name_of_the_run_and_the_digest_of_the_model(model: MtebModel) -> None:
    meta = model.mteb_model_meta
    assert meta.name == "vifi/moves-best"
    assert (meta.embed_dim, meta.max_tokens, meta.modalities) == (16, 16, ["text", "image", "video"])
    source = model.model.loaded.source
    assert mteb_model(source.name).mteb_model_meta.revision == meta.revision
    with_frames = mteb_model(source.name, frames=4)
    assert with_frames.frames == 4
    assert with_frames.mteb_model_meta.experiment_kwargs == {"frames": 4}
    with torch.no_grad():
        next(with_frames.model.loaded.network.parameters()).add_(1)
    from vifi_cli.api.evaluation.testing import digest_of_model

    assert digest_of_model(with_frames.model.loaded)[:40] != meta.revision


def test_videos_are_embedded_as_in_vifi_from_files_and_from_bytes(
    model: MtebModel, videos: list[Path]
) -> None:
    from datasets import Video

    expected = model.model.embed_videos(videos).embeddings
    assert abs(expected[0] - expected[1]).max() > 1e-3
    of_files = [str(video) for video in videos]
    of_bytes = [{"bytes": video.read_bytes(), "path": None} for video in videos]
    for column in (of_files, of_bytes):
        for batch_size in (1, 2):
            rows = loader({"video": Video()}, batch_size, video=column)
            np.testing.assert_array_equal(encode(model, rows), expected)


class Decoder:
    """Answers as a decoder of torchcodec does, which mteb hands on where datasets decodes videos."""

    def __init__(self, frames: torch.Tensor) -> None:
        self.frames = frames
        self.metadata = self
        self.num_frames = len(frames)

    def get_frames_at(self, numbers: list[int]) -> Any:
        chosen = Decoder(self.frames[numbers])
        chosen.data = chosen.frames  # type: ignore[attr-defined]
        return chosen


class Rows:
    """A loader of rows that are no longer files."""

    def __init__(self, videos: list[Any]) -> None:
        self.dataset: Any = self
        self.features = {"video": "decoded"}
        self._videos = videos

    def __iter__(self) -> Iterator[Any]:
        yield {"video": self._videos}


def test_decoded_videos_give_the_frames_that_files_give(model: MtebModel, videos: list[Path]) -> None:
    import av

    expected = model.model.embed_videos(videos).embeddings
    frames = []
    for video in videos:
        with av.open(str(video)) as file:
            pixels = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
        frames.append(torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2))
    for decoded in (frames, [Decoder(each) for each in frames]):
        np.testing.assert_allclose(encode(model, Rows(decoded)), expected, atol=1e-5)


def test_images_and_texts_are_embedded_as_in_vifi(model: MtebModel, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (50, 80, 3), np.uint8))
    image.save(path)
    encoder = load_encoder(resolve_model(model.model.loaded.source.name), "cpu")
    picture = encoder.encode_frames(read_picture(path, encoder.geometry)[None])
    images = encode(model, loader(image=[image]))
    unit = picture / np.linalg.norm(picture, axis=1, keepdims=True)
    np.testing.assert_allclose(images, unit, atol=1e-3)
    texts = ["a dog", "word " * 300]
    embedded = encode(model, loader(text=texts))
    np.testing.assert_array_equal(embedded, model.model.embed_texts(texts))
    both = encode(model, loader(text=texts[:1], image=[image]))
    expected = embedded[0] + images[0]
    np.testing.assert_allclose(both[0], expected / np.linalg.norm(expected), atol=1e-6)
    cosines = model.similarity(embedded, 2 * images)
    assert cosines.shape == (2, 1)
    assert cosines[0, 0].item() == pytest.approx(float(embedded[0] @ images[0]), abs=1e-6)
    assert model.similarity_pairwise(embedded, embedded).tolist() == pytest.approx([1, 1])


def test_the_mean_over_frames_stands_for_a_model_that_fuses_decisions(
    model: MtebModel, videos: list[Path]
) -> None:
    loaded = model.model.loaded
    card = replace(loaded.card, fusion="decision")
    other = mteb_model(loaded.source.name, device="cpu")
    other.model.loaded.network.fusion = card.fusion
    expected = other.model.embed_videos(videos).embeddings
    np.testing.assert_allclose(other._embed_videos(videos), expected, atol=1e-6)


def test_what_cannot_be_embedded_is_named(
    model: MtebModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    with pytest.raises(UnreadableVideo, match=r"broken\.mp4: "):
        model._embed_videos([tmp_path / "broken.mp4"])
    with pytest.raises(InvalidInput, match="vifi embeds text, image and video, and this task has sound"):
        encode(model, loader(sound=[1]))
    monkeypatch.setitem(__import__("sys").modules, "mteb.models.model_meta", None)
    with pytest.raises(MissingDependency, match=r"pip install 'mteb>=2\.26'"):
        mteb_model("starter")


@pytest.mark.parametrize("frames", [0, -1, 2.5, "8"])
def test_frames_that_are_no_number_from_1_on_are_refused(frames: Any) -> None:
    with pytest.raises(InvalidInput, match="frames is a number from 1 on"):
        mteb_model("starter", frames=frames)
