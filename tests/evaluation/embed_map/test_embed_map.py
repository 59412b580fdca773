"""Maps of videos: points that keep neighbours, the same again by the same seed, as picture and as page."""

import json
import re
from html.parser import HTMLParser
from io import BytesIO
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.offsetbox import AnnotationBbox
from matplotlib.transforms import Bbox
from PIL import Image

from tests.drawn_figures import collisions, drawn_texts
from tests.made_videos import solid_colour_clip
from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.evaluation.embed_map.drawing import map_figure, map_picture
from vifi_cli.evaluation.embed_map.embed_map import (
    EmbedMap,
    LabeledEmbeddings,
    choose_projection,
    make_map,
    project,
    separation_text,
)
from vifi_cli.evaluation.embed_map.page import map_page
from vifi_cli.evaluation.figures.charts import chart_style
from vifi_cli.evaluation.figures.style import SHAPES, mark_of
from vifi_cli.evaluation.report.pictures import thumbnails
from vifi_cli.evaluation.scoring.confidence_intervals import Estimate
from vifi_cli.evaluation.testing.predicting import ClipInput, Embeddings, embed_videos
from vifi_cli.evaluation.testing.predicting import TestClips as ClipsOfTest
from vifi_cli.model.storage.loading import LoadedModel
from vifi_cli.model.towers.clip_transform import test_short_side as short_side_of_test
from vifi_cli.training.engine.precision import choose_precision
from vifi_cli.video.clips.store import ClipStore

CLASSES = ("run", "walk", "$wave_1$ </script><b>")


def clusters(videos: int, spread: float, seed: int = 0) -> Embeddings:
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(9).normal(size=(len(CLASSES), 16))
    embeddings = centres[np.arange(videos) % len(CLASSES)] + spread * random.normal(size=(videos, 16))
    unit: Embeddings = (embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)).astype(np.float32)
    return unit


def videos_of(count: int) -> list[LabeledVideo]:
    return [
        LabeledVideo(Path(f"/videos/{number} <i>\udcff&.mp4"), number % len(CLASSES))
        for number in range(count)
    ]


@pytest.fixture(scope="module")
def made() -> EmbedMap:
    models = [("base", clusters(30, 1.0)), ("runs/tuned <1>/best", clusters(30, 0.2))]
    return make_map(
        LabeledEmbeddings("moves: 30 videos", CLASSES, tuple(videos_of(30)), tuple(models), ("one remark",)),
        seed=3,
    )


@pytest.mark.parametrize("projection", ["t-SNE", "PCA"])
def test_classes_that_lie_apart_do_so_on_the_map(projection: str) -> None:
    points = project(clusters(60, 0.1), projection, seed=0)  # type: ignore[arg-type]
    labels = np.arange(60) % len(CLASSES)
    centres = np.stack([points[labels == label].mean(0) for label in range(len(CLASSES))])
    assert (np.linalg.norm(points[:, None] - centres, axis=2).argmin(1) == labels).all()
    assert np.abs(points).max() == pytest.approx(1.0)
    np.testing.assert_allclose(points.min(0) + points.max(0), 0, atol=1e-9)


def test_the_same_seed_gives_the_same_points() -> None:
    first, again = (project(clusters(40, 0.5), "t-SNE", 5) for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("count", [3, 5, 6])
def test_few_videos_have_a_map(count: int) -> None:
    points = project(clusters(count, 0.5), choose_projection(count), 0)
    assert points.shape == (count, 2)
    assert np.isfinite(points).all()


def test_the_projection_goes_by_the_number_of_videos() -> None:
    assert [choose_projection(count) for count in (4, 5, 5_000, 5_001)] == ["PCA", "t-SNE", "t-SNE", "PCA"]


def test_a_map_scores_each_model_and_compares_with_the_first(made: EmbedMap) -> None:
    base, tuned = made.models
    assert base.gain is None
    assert tuned.gain is not None
    assert tuned.gain.silhouette.value == pytest.approx(
        tuned.separation.silhouette.value - base.separation.silhouette.value
    )
    assert tuned.separation.purity.value == 1.0
    assert (made.projection, made.seed, made.groups) == ("t-SNE", 3, 0)


def test_figures_in_words() -> None:
    assert separation_text(Estimate(0.5, 0.25, 0.75)) == "0.500 [0.250, 0.750]"
    assert separation_text(Estimate(0.5, -0.25, 0.75), is_gain=True) == "+0.500 [-0.250, +0.750]"
    assert separation_text(Estimate(-0.5)) == "-0.500"


def test_a_map_lies_on_its_long_side() -> None:
    """Points along a steep line, with some noise: turned, the map is much wider than high."""
    random = np.random.default_rng(0)
    steep = np.outer(np.linspace(-1, 1, 40), [0.3, 1.0] + [0.0] * 6) + 0.02 * random.normal(size=(40, 8))
    points = project(steep.astype(np.float32), "PCA", 0)
    assert np.ptp(points[:, 0]) == pytest.approx(2.0)
    assert np.ptp(points[:, 1]) < 0.2
    distances = [np.linalg.norm(one[3:] - one[:-3], axis=1) for one in (points, steep)]
    assert np.corrcoef(distances[0], distances[1])[0, 1] > 0.9, "turned, not distorted"


@pytest.mark.parametrize(("models", "classes"), [(1, 2), (2, 101), (4, 25)])
def test_pictures_of_many_models_and_classes(models: int, classes: int) -> None:
    videos = [LabeledVideo(Path(f"/{number}.mp4"), number % classes) for number in range(2 * classes)]
    random = np.random.default_rng(0)
    each = [
        (f"/data/{'folder' * 9}/model {number}", random.normal(size=(2 * classes, 8)).astype(np.float32))
        for number in range(models)
    ]
    names = tuple(f"$class_{label}$" for label in range(classes))
    many = make_map(LabeledEmbeddings("many", names, tuple(videos), tuple(each)), projection="PCA")
    with chart_style(names):
        figure = map_figure(many, {})
    assert collisions(figure) == []
    texts = [text for text, _ in drawn_texts(figure)]
    assert set(names) <= set(texts)
    for axes, model in zip(figure.axes, many.models, strict=False):
        (low, high), bottom = axes.get_xlim(), axes.get_ylim()[0]
        assert high - low == pytest.approx(2, abs=0.15)
        assert -bottom == pytest.approx(max(0.4, *(one.height for one in many.models)), abs=0.07)
        marks = np.concatenate([drawn.get_offsets() for drawn in axes.collections])
        assert len(marks) == 2 * classes
        assert sorted(map(tuple, marks)) == sorted(map(tuple, model.points))


def test_frames_stand_over_their_points_and_not_on_each_other(made: EmbedMap) -> None:
    jpeg = BytesIO()
    Image.new("RGB", (128, 96), "lime").save(jpeg, "JPEG")
    frames = {video: jpeg.getvalue() for video in made.videos[:20]}
    with chart_style():
        figure = map_figure(made, frames)
        assert collisions(figure) == []
        renderer = FigureCanvasAgg(figure).get_renderer()
    for axes, model in zip(figure.axes, made.models, strict=True):
        framed = [box for box in axes.artists if isinstance(box, AnnotationBbox)]
        assert len(framed) >= len(CLASSES), "each class shows a frame, if there is room"
        boxes = [box.get_window_extent(renderer) for box in framed]
        for one, other in combinations(boxes, 2):
            shared = Bbox.intersection(one, other)
            assert shared is None or min(shared.width, shared.height) < 1
        panel = axes.get_window_extent()
        for box, extent in zip(framed, boxes, strict=True):
            x, y = axes.transData.transform(box.xy)
            assert extent.x0 < x < extent.x1
            assert extent.y0 > y
            assert panel.x0 <= extent.x0
            assert extent.x1 <= panel.x1
            assert extent.y1 <= panel.y1
            (number,) = np.flatnonzero((model.points == box.xy).all(1))
            assert to_hex(box.patch.get_edgecolor()) == mark_of(made.videos[number].label).color
    assert map_picture(made, frames) == map_picture(made, frames)


class Page(HTMLParser):
    """What is in a page, by tags, and its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_script = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts.append(data)
        else:
            self.text += data


def test_a_page_shows_every_video_on_every_map_and_needs_nothing_else(made: EmbedMap) -> None:
    pictured = made.videos[1]
    text = map_page(made, {pictured: b"jpeg"})
    text.encode()  # names that are no text have become marks
    page = Page(text)
    points = [tag for tag in page.tags if tag[0] == "use" and "data-video" in tag[1]]
    assert len(points) == 2 * 30
    shapes = {tag[1]["id"] for tag in page.tags if tag[0] in ("circle", "rect", "path") and "id" in tag[1]}
    assert shapes == set(SHAPES)
    assert [tag[1]["href"] for tag in points] == [f"#{mark_of(v.label).shape}" for v in made.videos] * 2
    sizes = [tag[1]["viewbox"] for tag in page.tags if tag[0] == "svg" and tag[1].get("role") == "img"]
    heights = [float((size or "").split()[3]) for size in sizes]
    assert heights == pytest.approx([2 * (model.height + 0.08) for model in made.models], abs=1e-2)
    assert not [tag for tag, attributes in page.tags if tag in ("link", "iframe") or "src" in attributes]
    assert not re.findall(r"https?:", text)
    (script,) = page.scripts
    found = re.search(r"const videos = (\[.*\]);", script)
    assert found
    data = json.loads(found[1])
    assert [video["label"] for video in data] == [video.label for video in made.videos]
    assert data[0]["path"] == "/videos/0 <i>\N{REPLACEMENT CHARACTER}&.mp4"
    assert data[0]["link"].startswith("file:///videos/0")
    assert [bool(video["picture"]) for video in data].index(True) == 1
    for said in (
        *CLASSES,
        "base",
        "runs/tuned <1>/best",
        "one remark",
        separation_text(made.models[0].separation.purity),
    ):
        assert said in page.text


def test_points_lie_where_the_model_has_them(made: EmbedMap) -> None:
    page = Page(map_page(made, {}))
    places = [
        re.match(r"translate\((\S+) (\S+)\)", tag[1]["transform"] or "")
        for tag in page.tags
        if tag[0] == "use" and "data-video" in tag[1]
    ]
    found = np.array([[float(place[1]), -float(place[2])] for place in places if place])
    np.testing.assert_allclose(found, np.concatenate([model.points for model in made.models]), atol=1e-4)


def test_videos_are_embedded_by_their_test_clip(tiny: LoadedModel, tmp_path: Path) -> None:
    for colour in ("red", "blue"):
        solid_colour_clip(tmp_path / f"{colour}.mp4", [(colour, 1.0), ("white", 1.0)])
    (tmp_path / "bad.mp4").write_text("no video")
    videos = [LabeledVideo(tmp_path / name, 0) for name in ("red.mp4", "bad.mp4", "blue.mp4")]
    preprocessing, device = tiny.card.preprocessing, torch.device("cpu")
    enter = ClipInput(preprocessing, device, choose_precision("auto", device))
    clips = ClipsOfTest(videos, ClipStore(short_side_of_test(32)), 4, 32, batch=2)
    counts: list[int] = []
    found = embed_videos(tiny.network, clips, enter, counts.append)
    assert found.videos.tolist() == [0, 2]
    assert [video for video, _ in found.unreadable] == [1]
    assert counts[-1] == 3
    pixels = clips[2].pixels
    assert pixels is not None
    with torch.inference_mode():
        expected = tiny.network.encode_clips(enter(pixels))[0].numpy()
    np.testing.assert_allclose(found.embeddings_of([2])[0], expected, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found.embeddings, axis=1), 1, atol=1e-6)


def test_a_frame_from_the_middle(tmp_path: Path) -> None:
    clip = solid_colour_clip(tmp_path / "clip.mp4", [("red", 1.0), ("lime", 1.0), ("red", 1.0)])
    (jpeg,) = thumbnails(LabeledVideo(clip, 0), 1, 32)
    assert jpeg
    with Image.open(BytesIO(jpeg)) as image:
        assert image.size == (43, 32)
        red, green, _ = image.getpixel((20, 16))  # type: ignore[misc]
    assert green > 200 > 60 > red
    (tmp_path / "bad.mp4").write_text("no video")
    assert thumbnails(LabeledVideo(tmp_path / "bad.mp4", 0), 1, 32) == ()
