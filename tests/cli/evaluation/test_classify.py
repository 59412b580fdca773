"""`vifi classify` as a user runs it: classes of clips, over time, in a pipe, as JSON, and what goes wrong."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.text import Text

from tests.cli.conftest import Vifi
from tests.made_videos import solid_colour_clip
from tests.model.conftest import make_tiny_clip
from vifi_cli.api.models.video_model import ranked
from vifi_cli.cli.evaluation.classify import show_classes, show_spans
from vifi_cli.evaluation.testing.over_time import ClassSpan
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.loading import load_vifi_clip
from vifi_cli.model.storage.writing import write_model_folder
from vifi_cli.model.towers.clip_transform import center_crop, normalized
from vifi_cli.model.towers.clip_transform import test_short_side as short_side_of_test
from vifi_cli.video.clips.clip_sampling import test_frame_indices as frames_of_test
from vifi_cli.video.clips.reader import read_clip

LABELS = "a cup of coffee,a cat,a rocket"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_clip(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("colours")
    for colour in ("blue", "red"):
        solid_colour_clip(folder / f"{colour}.mp4", [(colour, 0.5)])
    return folder


def test_the_encoder_of_the_index_says_when_a_real_clip_shows_what(
    vifi: Vifi, indexed: Path, clips: Path
) -> None:
    command = ("classify", clips / "pets.mp4", "--classes", LABELS, "--device", "cpu", "--json")
    outcome = vifi(*command, "--over-time", "--window", 4, "-t", 1)
    assert outcome.exit_code == 0, outcome.stderr
    assert "model: starter (the encoder of your index)" in outcome.stderr
    document = json.loads(outcome.stdout)
    assert (document["model"], document["frames"], document["unreadable"]) == ("starter", 8, [])
    assert document["labels"] == LABELS.split(",")
    (video,) = document["videos"]
    assert video["path"] == str(clips / "pets.mp4")
    first, second = video["stretches"]
    assert (first["class"], second["class"]) == ("a cup of coffee", "a cat")
    assert first["start_seconds"] == 0
    assert first["end_seconds"] == second["start_seconds"] == pytest.approx(4, abs=1)
    assert second["end_seconds"] == pytest.approx(8, abs=0.2)
    assert [len(window["classes"]) for window in video["windows"]] == [1] * len(video["windows"])
    assert video["windows"][0]["end_seconds"] == video["windows"][1]["start_seconds"]


def test_probabilities_are_the_models_of_the_published_test_clip(
    vifi: Vifi, colours: Path, tiny: Path
) -> None:
    outcome = vifi(
        "classify", colours / "red.mp4", "--classes", "red,blue", "--model", tiny, "--frames", 2, "--json"
    )
    (video,) = json.loads(outcome.stdout)["videos"]
    loaded = load_vifi_clip(resolve_model(str(tiny)))
    pixels = read_clip(colours / "red.mp4", lambda total: frames_of_test(total, 2), short_side_of_test(32))
    preprocessing = loaded.card.preprocessing
    clip = normalized(center_crop(pixels, 32), preprocessing.mean, preprocessing.std)[None]
    with torch.inference_mode():
        texts = loaded.tokenizer([loaded.card.class_text(name) for name in ("red", "blue")])
        red, blue = loaded.network(clip, texts).softmax(-1)[0].tolist()
    told = {one["class"]: one["probability"] for one in video["classes"]}
    assert told == {"red": pytest.approx(red, abs=1e-4), "blue": pytest.approx(blue, abs=1e-4)}


def test_in_a_pipe_a_class_is_a_line_of_tab_separated_cells(vifi: Vifi, colours: Path, tiny: Path) -> None:
    outcome = vifi(
        "classify", colours, "--classes", "red,green,blue", "--model", tiny, "-t", 2, "--frames", 2
    )
    assert outcome.exit_code == 0, outcome.stderr
    rows = [line.split("\t") for line in outcome.stdout.splitlines()]
    assert [row[0] for row in rows] == [str(colours / "blue.mp4")] * 2 + [str(colours / "red.mp4")] * 2
    assert {row[1] for row in rows} <= {"red", "green", "blue"}
    assert float(rows[0][2]) >= float(rows[1][2])
    outcome = vifi("classify", colours, "--classes", "red,green,blue", "--model", tiny, "--over-time")
    path, start, end, _, probability = outcome.stdout.splitlines()[0].split("\t")
    assert (path, start, end) == (str(colours / "blue.mp4"), "0.000", "0.500")
    assert 1 / 3 <= float(probability) <= 1


def test_the_classes_are_those_of_the_model_if_none_are_named(
    vifi: Vifi, colours: Path, tiny: Path, tmp_path: Path
) -> None:
    loaded = load_vifi_clip(resolve_model(str(tiny)))
    card = replace(loaded.card, class_names=("running", "walking"), origin={"frames": "3"})
    write_model_folder(tmp_path / "tuned", loaded.network, card)
    outcome = vifi("classify", colours, "--model", tmp_path / "tuned", "--json")
    assert outcome.exit_code == 0, outcome.stderr
    document = json.loads(outcome.stdout)
    assert document["labels"] == ["running", "walking"]
    assert document["frames"] == 3


def test_a_file_of_classes(vifi: Vifi, colours: Path, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_bytes("\ufeffcat\r\n\r\ndog\r\n".encode())
    outcome = vifi("classify", colours / "red.mp4", "--classes", tmp_path / "classes.txt", "--model", tiny)
    assert outcome.exit_code == 0, outcome.stderr
    assert {line.split("\t")[1] for line in outcome.stdout.splitlines()} == {"cat", "dog"}


def test_other_texts_give_other_probabilities(vifi: Vifi, colours: Path, tiny: Path, tmp_path: Path) -> None:
    texts = tmp_path / "texts.json"
    texts.write_text(json.dumps({"red": ["a fire engine"], "blue": ["the sky at noon"]}))
    command = ("classify", colours, "--classes", "red,blue", "--model", tiny)
    assert vifi(*command).stdout != vifi(*command, "--texts", texts).stdout
    outcome = vifi("classify", colours, "--classes", "red,green", "--model", tiny, "--texts", texts)
    assert outcome.exit_code == 2
    assert "describes no class 'green'" in outcome.stderr


@pytest.mark.parametrize("options", [(), ("--over-time",), ("--json",), ("--over-time", "--json")])
def test_a_video_that_cannot_be_read_costs_only_itself(
    vifi: Vifi, colours: Path, tiny: Path, tmp_path: Path, options: Sequence[str]
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    outcome = vifi("classify", broken, colours, "--classes", "red,blue", "--model", tiny, *options)
    assert outcome.exit_code == 1
    assert outcome.stderr.count("warning:") == 1
    assert f"{broken}: " in outcome.stderr
    if "--json" in options:
        document = json.loads(outcome.stdout)
        assert [video["path"] for video in document["unreadable"]] == [str(broken)]
        assert [Path(video["path"]).name for video in document["videos"]] == ["blue.mp4", "red.mp4"]
    else:
        assert {line.split("\t")[0] for line in outcome.stdout.splitlines()} == {
            str(colours / "blue.mp4"), str(colours / "red.mp4"),
        }  # fmt: skip


def test_over_time_as_a_picture(vifi: Vifi, colours: Path, tiny: Path, tmp_path: Path) -> None:
    command = ("classify", colours / "red.mp4", "--classes", "red,blue", "--model", tiny)
    outcome = vifi(*command, "--over-time", "--picture", tmp_path / "new" / "strip.png")
    assert outcome.exit_code == 0, outcome.stderr
    assert f"picture: {tmp_path / 'new' / 'strip.png'}" in outcome.stderr
    assert outcome.stdout == vifi(*command, "--over-time").stdout
    with Image.open(tmp_path / "new" / "strip.png") as image:
        assert image.format == "PNG"
    for options, said in (
        (("--picture", tmp_path / "a.png"), "goes with --over-time"),
        (("--window", 1), "--window goes with --over-time"),
        (("--over-time", "-t", 1), "omit -t, or add --json"),
        (("--over-time", colours / "blue.mp4", "--picture", tmp_path / "a.png"), "name a single one"),
        (("--over-time", "--picture", colours / "red.mp4"), "is the video: name a PNG"),
        (("--over-time", "--picture", tmp_path), "is a folder: name a PNG"),
    ):
        refused = vifi(*command, *options)
        assert refused.exit_code == 2
        assert said in refused.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["new"]


def test_what_makes_no_sense_is_said_in_one_line(
    vifi: Vifi, colours: Path, tiny: Path, tmp_path: Path
) -> None:
    def said(*arguments: object) -> str:
        outcome = vifi("classify", *arguments, "--model", tiny)
        assert outcome.exit_code == 2
        assert outcome.stdout == ""
        assert outcome.stderr.count("\n") == 1
        return outcome.stderr

    assert "was not tuned on classes: name some with --classes" in said(colours)
    assert "only one class, 'red'" in said(colours, "--classes", "red")
    assert "names 'red' twice" in said(colours, "--classes", "red,red")
    assert "No such file" in said(tmp_path / "none.mp4", "--classes", "a,b")
    (tmp_path / "empty").mkdir()
    assert "no videos in" in said(tmp_path / "empty", "--classes", "a,b")


def shown(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines written, without colours and links."""
    return [Text.from_ansi(line).plain.rstrip() for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_on_a_terminal_bars_fit_the_width(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    long = "a rocket launch with smoke and fire at the launch pad"
    show_classes(Path("/clips/pets.mp4"), {"a cat": 0.75, long: 0.25})
    bars = shown(capsys)
    show_spans(Path("/clips/pets.mp4"), [ClassSpan(0, 4, "a cat", 0, 0.9), ClassSpan(4, 8, long, 1, 1.0)])
    strips = shown(capsys)
    for lines in (bars, strips):
        assert lines[0] == "/clips/pets.mp4"
        assert max(map(len, lines)) <= width
        assert "a cat" in lines[1]
        assert "…" in lines[2]
    assert bars[1].endswith("75.0%")
    assert strips[2].endswith("100.0%")
    assert bars[1].count("█") > 2 * bars[2].count("█") > 0
    assert ("█" in strips[1]) == (width >= 80)


def test_classes_are_ranked_and_of_equal_ones_the_first_named_comes_first() -> None:
    shares = ranked(np.array([0.2, 0.5, 0.2, 0.1], np.float32), ("a", "b", "c", "d"), 3)
    assert list(shares) == ["b", "a", "c"]
    assert len(ranked(np.zeros(4, np.float32), ("a", "b", "c", "d"), 0)) == 4
