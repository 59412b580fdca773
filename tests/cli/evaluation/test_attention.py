"""`vifi attention` as a user runs it: sheets and films, models side by side, as JSON, and what goes wrong."""

import json
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Vifi
from tests.made_videos import solid_colour_clip, textured_frames, write_video
from tests.model.conftest import make_tiny_clip
from tests.model.storage.test_prompt_folder import BOTH, write_prompted


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_clip(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def panning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "panning.mp4", textured_frames(30), fps=10)


def width_of(sheet: Path) -> int:
    with Image.open(sheet) as image:
        assert image.format == "PNG"
        return image.width


def frames_of(film: Path) -> int:
    with av.open(film) as container:
        return sum(1 for _ in container.decode(video=0))


def test_a_sheet_and_a_film_are_made_and_named(
    vifi: Vifi, tiny: Path, panning: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = vifi("attention", panning, "--text", "a dog. Running", "--model", tiny)
    assert outcome.exit_code == 0, outcome.stderr
    facts = [line.split("\t") for line in outcome.stdout.splitlines()]
    sheet, film = (tmp_path / "attention" / f"panning-a-dog-running{suffix}" for suffix in (".png", ".mp4"))
    assert facts == [
        ["Video", str(panning)],
        ["Text", "a dog. Running"],
        ["Model", f"{tiny}: gradient-weighted attention (Chefer et al. 2021)"],
        ["Note", "Shaded: 58% of the frame, outside the center that the model sees."],
        ["Sheet", str(sheet)],
        ["Film", str(film)],
    ]
    assert width_of(sheet) > 8 * 200
    assert frames_of(film) == 15, "5 a second"
    assert sorted(file.name for file in sheet.parent.iterdir()) == [film.name, sheet.name]


def test_models_of_different_kinds_stand_side_by_side(
    vifi: Vifi, starter: None, tiny: Path, panning: Path, tmp_path: Path
) -> None:
    prompts = write_prompted(tmp_path / "prompts", str(tiny), BOTH)
    film = tmp_path / "film.mp4"
    options = ("--text", "a dog", "--start", 1, "--end", 2, "--frames", 3, "--fps", 10, "-o", film, "--json")
    outcome = vifi("attention", panning, "--model", prompts, "--compare", "starter", *options)
    assert outcome.exit_code == 0, outcome.stderr
    document = json.loads(outcome.stdout)
    assert (document["sheet"], document["film"]) == (None, str(film))
    assert frames_of(film) == 10
    first, second = document["models"]
    assert (first["model"], first["method"]) == (str(prompts), "relevance")
    assert (second["model"], second["method"]) == ("starter", "cam")
    for model, side in ((first, 4), (second, 7)):
        assert [frame["seconds"] for frame in model["frames"]] == pytest.approx([1.1, 1.5, 1.8])
        for frame in model["frames"]:
            assert np.array(frame["map"]).shape == (side, side)
            assert np.min(frame["map"]) >= 0
            assert -1 <= frame["cosine"] <= 1


def test_attention_itself_needs_no_text(vifi: Vifi, tiny: Path, panning: Path, tmp_path: Path) -> None:
    shares = {}
    for method in ("last", "rollout"):
        outcome = vifi(
            "attention", panning, "-m", tiny, "--method", method, "-o", tmp_path / "sheet.png", "--json"
        )
        (model,) = json.loads(outcome.stdout)["models"]
        assert model["method"] == method
        assert model["frames"][0]["cosine"] is None
        shares[method] = np.sum(model["frames"][0]["map"])
        assert 0 < shares[method] < 1, "the rest is on the class token"
    assert vifi("attention", panning, "-m", tiny, "-o", tmp_path / "sheet.png", "--json").stdout.count(
        '"last"'
    )
    assert [file.name for file in tmp_path.iterdir()] == ["sheet.png"]
    width = width_of(tmp_path / "sheet.png")
    vifi("attention", panning, "-m", tiny, "-o", tmp_path / "sheet.png", "--frames", 3)
    assert width_of(tmp_path / "sheet.png") < width, "the file is replaced"


def test_what_makes_no_sense_is_one_line_that_says_so(
    vifi: Vifi, starter: None, tiny: Path, panning: Path, tmp_path: Path
) -> None:
    def said(*options: object) -> str:
        outcome = vifi("attention", *options)
        assert outcome.exit_code == 2, outcome.stdout
        assert outcome.stdout == ""
        assert outcome.stderr.count("error:") == 1
        assert "bug" not in outcome.stderr
        return outcome.stderr

    folder = tmp_path / "out"
    assert "is a folder: name a video" in said(tmp_path, "-m", tiny, "-o", folder)
    assert "not there: name a video" in said(tmp_path / "none.mp4", "-m", tiny, "-o", folder)
    assert "no model 'nosuch'" in said(panning, "-m", "nosuch", "-o", folder)
    assert "--text is empty" in said(panning, "-m", tiny, "--text", " ", "-o", folder)
    assert "use last, rollout or relevance" in said(panning, "-m", tiny, "--method", "cam", "-o", folder)
    assert "use cam" in said(panning, "-m", "starter", "--method", "last", "-o", folder)
    assert "no frame from 9 s on" in said(panning, "-m", tiny, "--start", 9, "-o", folder)
    assert "nothing from 2 to 1 s" in said(panning, "-m", tiny, "--start", 2, "--end", 1, "-o", folder)
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    assert f"{text}: not a video" in said(text, "-m", tiny, "-o", folder)
    assert "ends in .png or .mp4" in said(panning, "-m", tiny, "-o", text.rename(tmp_path / "text.txt"))
    assert not folder.exists()
    video = solid_colour_clip(tmp_path / "video.mp4", [("red", 1.0)])
    content = video.read_bytes()
    assert "is the video itself" in said(video, "-m", tiny, "-o", video)
    assert video.read_bytes() == content


def test_a_full_disk_leaves_the_older_files_whole(
    vifi: Vifi, tiny: Path, tmp_path: Path, full_disk: None
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), np.uint8)
    video = write_video(tmp_path / "noise.mp4", noise, fps=8)
    for name in ("out.png", "out.mp4"):
        (tmp_path / name).write_text("older")
        outcome = vifi("attention", video, "-m", tiny, "--fps", 8, "--frames", 32, "-o", tmp_path / name)
        assert outcome.exit_code == 2
        assert "check free disk space" in outcome.stderr
        assert (tmp_path / name).read_text() == "older"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["noise.mp4", "out.mp4", "out.png"]
