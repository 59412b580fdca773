"""What `--model` accepts, and the table of names."""

from pathlib import Path

import pytest

from tests.model.conftest import GOLDEN
from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.known_models import DEFAULT_MODEL, KNOWN_MODELS, KnownModel
from vifi_cli.model.registry.source import resolve_model

PRETRAINED = [backbone for backbone in KNOWN_MODELS if backbone.name != "starter"]


@pytest.mark.parametrize("backbone", PRETRAINED, ids=lambda backbone: backbone.name)
def test_table_agrees_with_open_clip(backbone: KnownModel) -> None:
    from vifi_cli.model.torchvision_operators import declare_missing_operators

    declare_missing_operators()
    import open_clip

    config = open_clip.get_model_config(backbone.architecture)
    weights = open_clip.get_pretrained_cfg(backbone.architecture, backbone.tag)
    assert config["embed_dim"] == backbone.dimension
    assert weights["hf_hub"] == f"{backbone.repository}/"
    assert config.get("quick_gelu", False) == weights.get("quick_gelu", False)


def test_names_are_unique_and_hold_the_default() -> None:
    names = [backbone.name for backbone in KNOWN_MODELS]
    assert len(set(names)) == len(names)
    assert {DEFAULT_MODEL, "starter"} <= set(names)


def test_speed_classes_follow_the_work_a_frame_takes() -> None:
    speeds = {backbone.name: backbone.speed for backbone in KNOWN_MODELS}
    assert speeds["starter"] == "fastest"
    assert speeds["clip-vit-b-32"] == "fast"
    assert speeds["clip-vit-l-14"] == "slowest"


def test_table_name_and_tag_are_the_same_weights() -> None:
    by_name, by_tag = resolve_model(DEFAULT_MODEL), resolve_model("ViT-B-16-quickgelu/openai")
    assert (by_name.architecture, by_name.tag) == (by_tag.architecture, by_tag.tag)


def test_weights_never_run_with_the_wrong_activation() -> None:
    assert resolve_model("ViT-B-16/openai").architecture == "ViT-B-16-quickgelu"
    assert resolve_model("ViT-B-16/dfn2b").architecture == "ViT-B-16-quickgelu"
    assert resolve_model("ViT-B-32/laion2b_s34b_b79k").architecture == "ViT-B-32"


@pytest.mark.parametrize(
    ("name", "near"),
    [("clip-vit-b16", "clip-vit-b-16"), ("ViT-B-16/opneai", "ViT-B-16/openai"), ("startr", "starter")],
)
def test_unknown_names_bring_the_nearest(name: str, near: str) -> None:
    with pytest.raises(InvalidInput, match=f"{near}.*vifi model list"):
        resolve_model(name)


def test_paths_become_absolute(tiny_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny_clip.parent)
    for name in ("tiny", "./tiny", "local-dir:tiny"):
        assert resolve_model(name).name == str(tiny_clip)
    file = resolve_model("tiny/open_clip_model.safetensors#gelu")
    assert file.activation == "gelu"
    assert resolve_model(file.name) == file


def test_paths_that_hold_no_model_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "weights.pt").write_text("hello")
    for name, reason in (
        ("missing.safetensors", "no model at"),
        ("notes.txt", "not a weights file"),
        (".", "holds neither open_clip_config.json"),
        ("weights.pt#relu", "gelu, quickgelu or an architecture"),
    ):
        with pytest.raises(InvalidInput, match=reason):
            resolve_model(str(tmp_path / name))


def test_files_of_a_model_without_its_configuration_do_not_send_in_a_circle(tmp_path: Path) -> None:
    part = tmp_path / "model-00001-of-00002.safetensors"
    part.touch()
    with pytest.raises(InvalidInput, match="name their folder"):
        resolve_model(str(part))
    with pytest.raises(InvalidInput, match=r"but not its config\.json: fetch that too"):
        resolve_model(str(tmp_path))


def test_the_model_of_an_unfinished_run_is_proposed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run" / "last").mkdir(parents=True)
    for file in ("config.json", "weights.safetensors"):
        (tmp_path / "run" / "last" / file).touch()
    monkeypatch.chdir(tmp_path)
    for name in ("run/best", str(tmp_path / "run" / "best")):
        with pytest.raises(InvalidInput, match="run/last"):
            resolve_model(name)


def test_golden_weights_are_recognised() -> None:
    weights = GOLDEN / "base_clip.safetensors"
    if not weights.exists():
        pytest.skip("the golden weights are not here")
    from vifi_cli.model.architectures.weights_alone import architecture_of_file

    assert architecture_of_file(resolve_model(str(weights))).config == {
        "embed_dim": 64,
        "quick_gelu": True,
        "vision_cfg": {"image_size": 32, "layers": 3, "width": 128, "head_width": 64, "patch_size": 8},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 3},
    }


@pytest.mark.parametrize("written", ["runs/moves/bset", "./runs/moves/bset", "runs/mvoes/best", "runs/mvoes"])
def test_a_path_with_a_slip_brings_the_model_that_is_meant(
    written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meant = tmp_path / "runs" / "moves" / "best"
    meant.mkdir(parents=True)
    for name in ("config.json", "weights.safetensors"):
        (meant / name).touch()
    (tmp_path / "runs" / "plans").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput, match=f"did you mean {meant}[?]"):
        resolve_model(written)
    with pytest.raises(InvalidInput, match="no model") as caught:
        resolve_model("runs/plams/best")
    assert "did you mean" not in str(caught.value), "there is no model in plans"
