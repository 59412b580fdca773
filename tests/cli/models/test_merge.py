"""`vifi model merge` as a user runs it: two models, three, a sweep, and what cannot be merged."""

import json
from pathlib import Path

import pytest
import torch

from tests.cli.conftest import Vifi
from tests.made_videos import solid_colour_clip
from tests.model.conftest import make_tiny_clip
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.loading import load_vifi_clip


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("models")
    return [make_tiny_clip(folder / f"model{seed}", seed) for seed in range(3)]


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of two colours, those of val others than those of test."""
    folder = tmp_path_factory.mktemp("colours")
    for split, count in (("train", 2), ("val", 2), ("test", 1)):
        for colour in ("red", "blue"):
            for number in range(count):
                path = folder / split / colour / f"{number}.mp4"
                path.parent.mkdir(parents=True, exist_ok=True)
                solid_colour_clip(path, [(colour, 0.3), ("black", 0.1 * number)])
    return folder


def weights(model: Path) -> dict[str, torch.Tensor]:
    return load_vifi_clip(resolve_model(str(model))).network.state_dict()


def test_two_models_by_alpha(vifi: Vifi, models: list[Path], tmp_path: Path) -> None:
    merged = tmp_path / "merged"
    outcome = vifi("model", "merge", *models[:2], "-o", merged, "--alpha", 0.7, "--json")
    assert outcome.exit_code == 0, outcome.stderr
    document = json.loads(outcome.stdout)
    assert document["folder"] == str(merged)
    assert document["origin"]["merged"] == f"0.3 x {models[0]} + 0.7 x {models[1]}"
    first, second = (weights(model) for model in models[:2])
    for name, tensor in weights(merged).items():
        assert torch.allclose(tensor, 0.3 * first[name] + 0.7 * second[name], atol=1e-6), name
    assert {file.name for file in merged.iterdir()} == {"config.json", "weights.safetensors"}


def test_two_models_by_halves_and_three_in_equal_shares(
    vifi: Vifi, models: list[Path], tmp_path: Path
) -> None:
    for count in (2, 3):
        merged = tmp_path / str(count)
        outcome = vifi("model", "merge", *models[:count], "-o", merged)
        assert outcome.exit_code == 0, outcome.stderr
        assert "Merged\t" in outcome.stdout
        shares = [weights(model)["visual.proj"] / count for model in models[:count]]
        assert torch.allclose(weights(merged)["visual.proj"], sum(shares), atol=1e-6)


def test_a_sweep_takes_the_best_mixture_and_draws_the_way(
    vifi: Vifi, models: list[Path], colours: Path, tmp_path: Path
) -> None:
    merged = tmp_path / "merged"
    command = ("model", "merge", *models[:2], "--sweep", "--data", colours, "--device", "cpu")
    outcome = vifi(*command, "-o", merged, "--json")
    assert outcome.exit_code == 0, outcome.stderr
    document = json.loads(outcome.stdout)
    assert document["data"] == [{"name": colours.name, "videos": 4}]
    points = document["sweep"]
    assert [point["alpha"] for point in points] == [step / 10 for step in range(11)]
    best = max(points, key=lambda point: (point["mean"], point["alpha"]))["alpha"]
    expected = torch.lerp(*(weights(model)["visual.proj"] for model in models[:2]), best)
    assert torch.allclose(weights(merged)["visual.proj"], expected, atol=1e-6)
    assert Path(document["curve"]).read_bytes().startswith(b"\x89PNG")
    assert "test videos" not in outcome.stderr

    asked = tmp_path / "asked"
    outcome = vifi(*command, "--data", colours, "-o", asked, "--alpha", 1)
    assert f"merged: 0 x {models[0]} + 1 x {models[1]}" in outcome.stderr, "which mixture it became"
    header, *rows = [line.split("\t") for line in outcome.stdout.splitlines()]
    assert header == ["Alpha", colours.name, colours.name, "Mean"]
    assert [row[0] for row in rows] == [f"{step / 10:.1f}" for step in range(11)]
    assert [len(row) for row in rows] == [4] * 11, "two data sets and their mean"
    assert [float(row[1]) for row in rows] == pytest.approx([point["mean"] for point in points], abs=1e-3)
    assert torch.equal(weights(asked)["visual.proj"], weights(models[1])["visual.proj"])


def test_a_sweep_on_test_videos_says_so(
    vifi: Vifi, models: list[Path], colours: Path, tmp_path: Path
) -> None:
    table = tmp_path / "old.csv"
    rows = [f"{colours}/train/{colour}/0.mp4,{colour},test" for colour in ("red", "blue")]
    table.write_text("\n".join(("path,label,split", *rows)))
    command = ("model", "merge", *models[:2], "-o", tmp_path / "out", "--sweep", "--data", table)
    outcome = vifi(*command, "--device", "cpu")
    assert outcome.exit_code == 0, outcome.stderr
    assert "alpha was chosen on the test videos" in outcome.stderr


def test_a_sweep_is_over_what_training_held_out_and_never_over_what_it_learned(
    vifi: Vifi, models: list[Path], tmp_path: Path
) -> None:
    for colour in ("red", "blue"):
        for number in range(5):
            path = tmp_path / "clips" / colour / f"{number}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            solid_colour_clip(path, [(colour, 0.2), ("black", 0.1 * number)])
    run, clips = tmp_path / "run", tmp_path / "clips"
    recipe = [part for change in ("frames=2", "epochs=1", "seed=7") for part in ("--recipe", change)]
    trained = vifi("finetune", "--data", clips, "--model", models[0], "-o", run, *recipe)
    assert trained.exit_code == 0, trained.stderr
    command = ("model", "merge", models[0], run / "best", "--sweep", "--device", "cpu")
    outcome = vifi(*command, "--data", clips, "-o", tmp_path / "out", "--json")
    assert outcome.exit_code == 0, outcome.stderr
    assert json.loads(outcome.stdout)["data"] == [{"name": "clips", "videos": 2}]
    assert "2 of 10 videos are held out as both, seed 7" in outcome.stderr

    (tmp_path / "all.csv").write_text(
        "\n".join(["path,label,split", *(f"{p},{p.parent.name},test" for p in clips.glob("*/*.mp4"))])
    )
    outcome = vifi(*command, "--data", tmp_path / "all.csv", "-o", tmp_path / "leaky")
    assert outcome.exit_code == 2
    assert f"8 training videos of {run / 'best'} give tests away" in outcome.stderr
    assert not (tmp_path / "leaky").exists()


@pytest.mark.parametrize(
    ("count", "options", "said"),
    [
        (1, (), "name two models or more"),
        (3, ("--alpha", 0.5), "--alpha is for two models; 3 are averaged in equal shares"),
        (3, ("--sweep", "--data", "x"), "--sweep is for two models"),
        (2, ("--sweep",), "--sweep needs videos to score on: name them with --data"),
        (2, ("--data", "x"), "--data is for --sweep"),
        (2, ("--alpha", 1.5), "less than or equal to 1"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(
    vifi: Vifi, models: list[Path], tmp_path: Path, count: int, options: tuple[object, ...], said: str
) -> None:
    outcome = vifi("model", "merge", *models[:count], "-o", tmp_path / "out", *options)
    assert outcome.exit_code == 2
    assert said in outcome.stderr
    assert not (tmp_path / "out").exists()


def test_models_of_two_architectures_are_refused(vifi: Vifi, models: list[Path], tmp_path: Path) -> None:
    other = make_tiny_clip(tmp_path / "other", quick_gelu=False)
    outcome = vifi("model", "merge", models[0], other, "-o", tmp_path / "out")
    assert outcome.exit_code == 2
    assert outcome.stdout == ""
    assert f"{models[0]} and {other} are not of one architecture" in outcome.stderr
    assert not (tmp_path / "out").exists()
