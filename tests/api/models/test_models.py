"""Models from Python: classes, embeddings, maps and moments as the commands give them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Vifi
from tests.model.conftest import make_tiny_clip
from vifi_cli import Moment, attention, cut, embed_map, export_model, load_model, merge_models
from vifi_cli.errors import InvalidInput, UnreadableVideo

LABELS = ("a cup of coffee", "a cat", "a rocket")


def test_classes_are_those_of_the_command(vifi: Vifi, starter: None, clips: Path) -> None:
    model = load_model("starter", device="cpu")
    shares = model.classify(clips / "launch.mp4", LABELS)
    command = (
        "classify",
        clips / "launch.mp4",
        "--classes",
        ",".join(LABELS),
        "--model",
        "starter",
        "--json",
    )
    document = json.loads(vifi(*command).stdout)
    assert list(shares.items()) == [
        (one["class"], pytest.approx(one["probability"], abs=1e-5))
        for one in document["videos"][0]["classes"]
    ]
    assert next(iter(shares)) == "a rocket"
    assert sum(shares.values()) == pytest.approx(1)
    parts = model.classify_over_time(clips / "pets.mp4", LABELS[:2])
    assert [part.class_name for part in parts] == ["a cup of coffee", "a cat"]
    assert parts[0].end_seconds == parts[1].start_seconds == pytest.approx(4, abs=1)


def test_embeddings_are_of_length_one_and_bad_videos_cost_only_themselves(
    starter: None, clips: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    model = load_model("starter", device="cpu")
    embedded = model.embed_videos([clips / "launch.mp4", broken, clips / "kitchen.mp4"])
    assert embedded.videos.tolist() == [0, 2]
    assert repr(embedded) == f"EmbeddedVideos(2 x {embedded.embeddings.shape[1]}, 1 unreadable)"
    assert [number for number, _ in embedded.unreadable] == [1]
    texts = model.embed_texts(["a rocket", "a cup of coffee"])
    np.testing.assert_allclose(np.linalg.norm(embedded.embeddings, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-5)
    assert (embedded.embeddings @ texts.T).argmax(1).tolist() == [0, 1]
    for look in (model.classify, model.classify_over_time):
        with pytest.raises(UnreadableVideo, match=r"broken\.mp4: "):
            look(broken, LABELS)
        with pytest.raises(InvalidInput, match=r"missing\.mp4 is not there"):
            look(tmp_path / "missing.mp4", LABELS)
        with pytest.raises(InvalidInput, match="not tuned on classes"):
            look(clips / "launch.mp4")


def test_attention_is_that_of_the_command(vifi: Vifi, tiny: Path, clips: Path, tmp_path: Path) -> None:
    looked = attention(clips / "pets.mp4", load_model(str(tiny), device="cpu"), "a cat", frames=3)
    command = ("attention", clips / "pets.mp4", "--text", "a cat", "--model", tiny, "--frames", 3, "--json")
    document = json.loads(vifi(*command, "-o", tmp_path / "x.png").stdout)
    told = [frame["map"] for frame in document["models"][0]["frames"]]
    np.testing.assert_allclose([seen.map for seen in looked.seen[0]], told, rtol=1e-4, atol=1e-7)
    looked.write_sheet(tmp_path / "sheets" / "y.png")
    assert (tmp_path / "sheets" / "y.png").read_bytes() == (tmp_path / "x.png").read_bytes()


def test_a_map_is_made_of_classes_of_files(tiny: Path, colours: Path, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    model = load_model(str(tiny), device="cpu")
    classes = {name: sorted((colours / "train" / name).iterdir()) for name in ("red", "green")}
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"no video")
    classes["red"].append(bad)
    made = embed_map(classes, [model, model], tmp_path / "map", projection="PCA")
    assert [len(one.points) for one in made.models] == [6, 6]
    assert made.models[1].gain is not None
    assert made.remarks == ("1 of 7 videos cannot be read and are left out",)
    assert (tmp_path / "map" / "embed-map.png").read_bytes().startswith(b"\x89PNG")
    assert "bad.mp4" not in (tmp_path / "map" / "embed-map.html").read_text()


def test_moments_are_cut_and_nothing_is_replaced_unasked(clips: Path, tmp_path: Path) -> None:
    moments = [Moment(clips / "pets.mp4", 1.0, 2.0), Moment(clips / "missing.mp4", 0.0, 1.0)]
    report = cut(moments, tmp_path / "clips", reel=tmp_path / "reel.mp4")
    assert [path.name for path, _ in report.clips.values()] == ["01-pets-0m01s.mp4"]
    assert list(report.failed) == [1]
    assert report.reel is not None
    assert report.reel.seconds == pytest.approx(1, abs=0.1)
    with pytest.raises(InvalidInput, match="already exists"):
        cut(moments, tmp_path / "clips")
    assert cut(moments[:1], tmp_path / "clips", overwrite=True).failed == {}


def test_only_square_pictures_can_be_looked_at(tiny: Path, clips: Path) -> None:
    model = load_model(str(tiny), device="cpu")
    card = model.loaded.card
    geometry = replace(card.preprocessing.geometry, width=48)
    wide = replace(card, preprocessing=replace(card.preprocessing, geometry=geometry))
    model = replace(model, loaded=replace(model.loaded, card=wide))
    for look in (
        lambda: model.classify(clips / "pets.mp4", LABELS),
        lambda: model.embed_videos([clips / "pets.mp4"]),
    ):
        with pytest.raises(InvalidInput, match="32 x 48: only square ones"):
            look()


def test_models_are_shown_in_one_line(starter: None, tiny: Path) -> None:
    model = load_model("starter", device="cpu")
    assert repr(model) == "<VideoModel starter (starter): 384 dimensions, on cpu>"
    assert repr(model.classifier(LABELS)) == "<Classifier starter: 3 classes, 8 frames of a clip>"
    assert repr(model.loaded) == "<LoadedModel starter: <ModelCard starter, 384 dimensions, 0 classes>>"
    model = load_model(str(tiny), device="cpu")
    assert repr(model) == f"<VideoModel {tiny} (from weights): 16 dimensions, on cpu>"
    tuned = replace(model.loaded.card, tuned=("image", "text"), class_names=LABELS)
    assert repr(tuned) == "<ModelCard CLIP, 16 dimensions, 3 classes, image and text tuned>"
    assert len(repr(model.loaded.source)) < 300


def test_a_merged_model_loads_where_it_was_written(tiny: Path, colours: Path, tmp_path: Path) -> None:
    other = make_tiny_clip(tmp_path / "other", 5)
    merged = merge_models([tiny, other], tmp_path / "merged", data=[colours], device="cpu")
    assert merged.folder == tmp_path / "merged"
    assert merged.sweep is not None
    assert repr(merged.sweep).startswith("<AlphaSweep of 11 mixtures on colours")
    assert len(repr(merged)) < 500
    assert load_model(merged.folder, device="cpu").loaded.card == merged.card
    exported = export_model(merged.folder, tmp_path / "exported")
    assert load_model(exported.folder, device="cpu").dimension == 16
    with pytest.raises(InvalidInput, match="is there already"):
        export_model(merged.folder, tmp_path / "exported")
