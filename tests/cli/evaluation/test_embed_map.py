"""`vifi embed-map` as a user runs it: after a run, models side by side, the index, with leaks, asked for nonsense."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.conftest import Vifi
from tests.cli.evaluation.test_eval import (  # noqa: F401 - fixtures
    COLOURS,
    colours,
    document,
    here,
    recipe,
    tiny,
    trained_with,
)
from tests.made_videos import solid_colour_clip
from tests.model.conftest import make_tiny_clip
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.visualization.embedding_map import embed_dataset
from vifi_cli.data.source import DataSource

FILES = ["embed-map.html", "embed-map.png"]


def models(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {model["model"]: model for model in found["models"]}


def test_without_flags_the_newest_run_stands_beside_its_base(
    vifi: Vifi,
    colours: Path,  # noqa: F811
    tiny: Path,  # noqa: F811
    here: Path,  # noqa: F811
) -> None:
    trained = vifi("finetune", "--data", colours, "--model", tiny, "-o", here / "runs" / "one", *recipe())
    assert trained.exit_code == 0, trained.stderr
    outcome = vifi("embed-map", "--json")
    found = document(outcome)
    best = here / "runs" / "one" / "best"
    assert outcome.stderr.splitlines()[0] == f"model: {best}; data: {colours}"
    assert list(models(found)) == [str(tiny), "runs/one/best"]
    assert (found["videos"], found["classes"]) == (8, sorted(COLOURS)), "those held out of training"
    base, tuned = found["models"]
    assert base["gain"] is None
    for score in ("silhouette", "nearest_neighbour"):
        assert tuned["gain"][score]["value"] == pytest.approx(tuned[score]["value"] - base[score]["value"])
        assert base[score]["low"] <= base[score]["value"] <= base[score]["high"]
    for point in base["points"]:
        assert point["class"] in Path(point["path"]).name
        assert point["nearest"] != point["path"]
    folder = Path(found["folder"])
    assert folder.parent == here / "reports"
    assert sorted(file.name for file in folder.iterdir()) == FILES
    page = (folder / "embed-map.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 8
    assert f"{colours.name}: 8 videos of 4 classes" in page

    every = here / "every.csv"
    lines = [
        f"{colours.parent / f'{colour}_{number}.mp4'},{colour},test"
        for colour in COLOURS
        for number in (0, 4)
    ]
    every.write_text("\n".join(["path,label,split", *lines]))
    asked = ("embed-map", "--model", tiny, "--model", best, "--data", every, "-o", here / "every")
    refused = vifi(*asked)
    assert refused.exit_code == 2
    assert "4 training videos of" in refused.stderr
    assert "--allow-leak" in refused.stderr
    assert not (here / "every").exists()
    allowed = vifi(*asked, "--allow-leak", "--json")
    marked = document(allowed)
    assert list(models(marked)) == [str(tiny), "runs/one/best (leak)"]
    assert marked["remarks"][0].startswith("leak: 4 training videos of")
    assert f"warning: {marked['remarks'][0]}" in allowed.stderr
    assert marked["remarks"][0] in (here / "every" / "embed-map.html").read_text()


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of clips for each of three colours, and a file that is not a video."""
    folder = tmp_path_factory.mktemp("folders")
    for colour in ("red", "lime", "blue"):
        (folder / "videos" / colour).mkdir(parents=True)
        for number in range(4):
            path = folder / "videos" / colour / f"{number}.mp4"
            solid_colour_clip(path, [(colour, 0.6), ("black", 0.1 * number)])
    (folder / "videos" / "red" / "bad.mp4").write_text("no video")
    return folder / "videos"


def test_each_model_embeds_with_the_frames_of_its_training(
    folders: Path,
    tiny: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    models = [str(trained_with(count, tmp_path / str(count), tiny)) for count in (1, 3)]
    data = DataSource(str(folders))
    both = embed_dataset(models, data, "cpu", AUTOMATIC, allow_leak=False).by_model
    for model, (_, embeddings) in zip(models, both, strict=True):
        ((_, alone),) = embed_dataset([model], data, "cpu", AUTOMATIC, allow_leak=False).by_model
        assert np.array_equal(embeddings, alone)
    assert not np.array_equal(both[0][1], both[1][1])


def test_a_map_says_which_part_of_the_labels_it_shows(
    folders: Path,
    tiny: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    table = tmp_path / "clips.jsonl"
    rows = [
        {"path": str(folders / colour / f"{number}.mp4"), "label": label}
        for colour, label in (("red", ["warm"]), ("lime", ["green", "warm"]), ("blue", ["blue"]))
        for number in range(2)
    ]
    table.write_text("\n".join(map(json.dumps, rows)))
    made = embed_dataset([str(tiny)], DataSource(str(table)), "cpu", AUTOMATIC, allow_leak=False)
    assert made.title == "clips.jsonl: 6 videos of 3 classes"
    assert made.remarks == ("2 of 6 videos show several classes: the map shows each in the first of them",)
    assert [made.class_names[video.label] for video in made.videos] == ["warm"] * 2 + ["green"] * 2 + [
        "blue"
    ] * 2
    two = embed_dataset(
        [str(tiny)], DataSource(str(folders)), "cpu", AUTOMATIC, allow_leak=False, classes="red,blue"
    )
    assert two.title == "videos: 8 videos of 2 classes, 1 left out"
    assert two.remarks == ()


def test_models_that_were_not_trained_are_shown_on_all_videos(
    vifi: Vifi,
    folders: Path,
    tiny: Path,  # noqa: F811
    here: Path,  # noqa: F811
) -> None:
    other = make_tiny_clip(here / "other", seed=1)
    options = ("--data", folders, "-m", tiny, "-m", "other", "-o", "map")
    outcome = vifi("embed-map", *options)
    assert outcome.exit_code == 0, outcome.stderr
    assert "1 video left out that cannot be read" in outcome.stderr
    header, *lines = [line.split("\t") for line in outcome.stdout.splitlines()]
    assert header == ["Model", "Silhouette", "Nearest neighbor", "Silhouette gain", "Neighbor gain"]
    assert [line[0] for line in lines] == [str(tiny), "other"]
    assert lines[0][3:] == ["", ""]
    assert all(text[0] in "+-" for text in lines[1][3:])
    assert sorted(file.name for file in (here / "map").iterdir()) == FILES

    found = document(vifi("embed-map", *options, "--json", "--seed", 5))
    assert found["videos"] == 12
    assert f"{found['models'][0]['silhouette']['value']:.3f}" == lines[0][1].split()[0]
    again = document(vifi("embed-map", *options, "--json", "--seed", 5))
    assert again == found
    by_components = document(vifi("embed-map", *options, "--json", "--projection", "pca"))
    assert by_components["projection"] == "PCA"
    assert by_components["models"][0]["silhouette"] == found["models"][0]["silhouette"]
    assert other.is_dir()


def test_an_index_is_shown_by_folder(
    vifi: Vifi,
    folders: Path,
    tiny: Path,  # noqa: F811
    here: Path,  # noqa: F811
) -> None:
    assert vifi("embed-map", "--index").exit_code == 2, "there is no index yet"
    assert vifi("index", folders, "--model", tiny).exit_code == 3, "one file cannot be read"
    found = document(vifi("embed-map", "--index", "--json", "-o", "map"))
    assert found["classes"] == ["blue", "lime", "red"]
    assert found["title"] == "index: 12 videos of 3 classes"
    (model,) = found["models"]
    assert {Path(point["path"]).parent.name == point["class"] for point in model["points"]} == {True}
    (folders / "blue" / "0.mp4").rename(folders / "blue" / "moved.mp4")
    assert document(vifi("embed-map", "--index", "--json", "-o", "map"))["videos"] == 12
    assert (here / "map" / "embed-map.html").read_text().count("data:image/jpeg") == 11


def test_what_makes_no_sense_is_one_line_that_says_so(
    vifi: Vifi,
    folders: Path,
    tiny: Path,  # noqa: F811
    here: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def said(*options: object) -> str:
        outcome = vifi("embed-map", *options)
        assert outcome.exit_code == 2, outcome.stdout
        assert outcome.stdout == ""
        assert outcome.stderr.count("error:") == 1
        assert "bug" not in outcome.stderr
        return outcome.stderr

    assert "runs/ has no run" in said()
    assert "--data is missing" in said("-m", tiny)
    assert "--model does not go with --index" in said("-m", tiny, "--index")
    assert "--data does not go with --index" in said("--data", folders, "--index")
    assert "does not exist" in said("-m", tiny, "--data", "nowhere")
    (here / "file").write_text("")
    refused = said("-m", tiny, "--data", folders, "-o", "file/map")
    assert refused.splitlines() == [
        f"error: the map cannot be written to {here / 'file' / 'map'}: {here / 'file'} is not a folder; "
        "name another --output"
    ], "before anything is embedded"
    few = here / "few.csv"
    few.write_text(
        "".join(
            ["path,label,split\n", *(f"{folders}/{name}/1.mp4,{name},test\n" for name in ("red", "blue"))]
        )
    )
    lines = said("-m", tiny, "--data", few).splitlines()
    assert lines[-1] == (
        "error: a map of 2 videos of 2 classes shows nothing: it needs two classes, and two videos of one of them (of "
        "data to train on, only held-out videos are mapped)"
    )
    assert not any("official splits" in line for line in lines), "a matter of vifi eval"
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    assert "pip install scikit-learn" in said("-m", tiny, "--data", folders, "-o", "map")
    assert not (here / "map").exists()
