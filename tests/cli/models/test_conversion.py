"""`vifi model import`, `export` and `show`: what they say, what they write, and what they leave alone."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Vifi
from tests.model.conftest import make_tiny_clip
from tests.model.published import openai_clip, published_weights, save_published


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return openai_clip(tmp_path / "base.safetensors")


@pytest.fixture
def checkpoint(base: Path, tmp_path: Path) -> Path:
    return save_published(tmp_path / "ckpt.pth", published_weights(base, ("image",)), "image")


def test_imported_models_go_everywhere_a_model_goes(
    vifi: Vifi, checkpoint: Path, base: Path, tmp_path: Path, clips: Path
) -> None:
    imported, exported = tmp_path / "models" / "imported", tmp_path / "exported"
    outcome = vifi("model", "import", checkpoint, "--output", imported, "--base", base)
    assert outcome.exit_code == 0, outcome.stderr
    facts = dict(line.split("\t") for line in outcome.stdout.splitlines())
    assert facts["Recognized"].startswith("a ViT/8 (image tower: 2 layers")
    assert facts["Tuned"] == "image tower"
    assert facts["Classes"] == "4: handstandwalking, play_guitar, brush hair, …"
    assert facts["Learned prompts"] == "none"
    assert (facts["Epochs"], facts["Frames"], facts["Use"]) == ("10", "32", "image")
    assert f"--model {imported}" in outcome.stderr
    assert sorted(file.name for file in imported.iterdir()) == ["config.json", "weights.safetensors"]

    outcome = vifi("model", "show", imported, "--json")
    shown = json.loads(outcome.stdout)
    assert shown["tuned"] == ["image"]
    assert shown["dimension"] == 16
    assert vifi("index", clips, "--model", imported).exit_code == 0
    assert vifi("search", "coffee", "--min-score", 0).stdout

    outcome = vifi("model", "export", imported, "--output", exported)
    assert outcome.exit_code == 0, outcome.stderr
    assert outcome.stdout == ""
    again = json.loads(vifi("model", "show", exported, "--json").stdout)
    for fingerprint in ("vision_fingerprint", "text_fingerprint"):
        assert again[fingerprint] == shown[fingerprint]


def test_import_as_json(vifi: Vifi, checkpoint: Path, base: Path, tmp_path: Path) -> None:
    outcome = vifi("model", "import", checkpoint, "-o", tmp_path / "out", "--base", base, "--json")
    document = json.loads(outcome.stdout)
    assert document["folder"] == str(tmp_path / "out")
    assert document["tuned"] == ["image"]
    assert document["origin"]["epochs"] == "10"
    assert document["prompts"] is False
    assert document["remarks"] == []


def test_a_base_that_cannot_be_right_is_a_warning(vifi: Vifi, checkpoint: Path, tmp_path: Path) -> None:
    other = openai_clip(tmp_path / "other.safetensors", seed=1)
    outcome = vifi("model", "import", checkpoint, "-o", tmp_path / "out", "--base", other)
    assert outcome.exit_code == 0
    assert "warning: it was probably not trained from" in outcome.stderr


@pytest.mark.parametrize("kind", ["CLIP", "CustomTextCLIP", "with bias"])
def test_exported_folders_give_the_same_numbers_in_open_clip(vifi: Vifi, tmp_path: Path, kind: str) -> None:
    import open_clip
    import torch

    from vifi_cli.model.registry.source import resolve_model
    from vifi_cli.model.storage.loading import load_vifi_clip
    from vifi_cli.model.storage.writing import write_model_folder

    folder = make_tiny_clip(tmp_path / "tiny")
    config = folder / "open_clip_config.json"
    content = json.loads(config.read_text())
    content["model_cfg"]["custom_text"] = kind != "CLIP"
    if kind == "with bias":
        content["model_cfg"]["init_logit_bias"] = -10.0
    config.write_text(json.dumps(content))
    model = load_vifi_clip(resolve_model(str(folder)))
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter += 0.01
    if kind == "with bias":
        model.network.logit_bias = torch.tensor(-7.0)
    write_model_folder(tmp_path / "tuned", model.network, replace(model.card, tuned=("image", "text")))

    outcome = vifi("model", "export", tmp_path / "tuned", "-o", tmp_path / "out")
    assert outcome.exit_code == 0, outcome.stderr
    theirs = open_clip.create_model(f"local-dir:{tmp_path / 'out'}").eval()
    assert type(theirs).__name__ == ("CLIP" if kind == "CLIP" else "CustomTextCLIP")
    images, texts = torch.rand(2, 3, 32, 32), ["a dog", "someone waves both hands"]
    tokens = open_clip.get_tokenizer(f"local-dir:{tmp_path / 'out'}")(texts)
    with torch.inference_mode():
        np.testing.assert_allclose(
            theirs.encode_image(images), model.network.encode_frames(images[:, None])[:, 0], atol=1e-5
        )
        np.testing.assert_allclose(
            theirs.encode_text(tokens, normalize=True),
            model.network.encode_classes(model.tokenizer(texts)),
            atol=1e-5,
        )
    assert theirs.logit_scale.item() == model.network.logit_scale.item()
    if kind == "with bias":
        assert theirs.logit_bias.item() == -7
    assert theirs.visual.preprocess_cfg["mean"] == [0.1, 0.2, 0.3]
    assert theirs.visual.preprocess_cfg["resize_mode"] == "squash"


def test_refusals_leave_no_folder_behind(vifi: Vifi, checkpoint: Path, base: Path, tmp_path: Path) -> None:
    folder, wrong = tmp_path / "out", openai_clip(tmp_path / "wrong.safetensors", layers=3)
    (tmp_path / "junk.pth").write_text("junk")
    before = sorted(tmp_path.iterdir())
    for arguments, reason in (
        (("import", checkpoint, "--base", wrong), "wrong checkpoint for the backbone"),
        (("import", tmp_path / "missing.pth", "--base", base), "no checkpoint at"),
        (("import", tmp_path / "junk.pth", "--base", base), "junk.pth is"),
        (("import", checkpoint, "--base", "clip-vit-b16"), "did you mean clip-vit-b-16"),
        (("import", checkpoint), "cannot be reached to fetch clip-vit-b-16"),
        (("export", "no-such-model"), "no model 'no-such-model'"),
    ):
        outcome = vifi("model", *arguments, "--output", folder)
        assert outcome.exit_code == 2, arguments
        assert reason in outcome.stderr
        assert len(outcome.stderr.splitlines()) == 1
        assert outcome.stdout == ""
        assert sorted(tmp_path.iterdir()) == before


def test_starter_cannot_be_exported(vifi: Vifi, starter: None, tmp_path: Path) -> None:
    outcome = vifi("model", "export", "starter", "--output", tmp_path / "out")
    assert outcome.exit_code == 2
    assert "open_clip does not know the architecture starter" in outcome.stderr
    assert list(tmp_path.iterdir()) == []


def test_folders_with_something_in_them_are_left_alone(
    vifi: Vifi, checkpoint: Path, base: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    for command in (("import", checkpoint, "--base", base), ("export", base)):
        outcome = vifi("model", *command, "--output", folder)
        assert outcome.exit_code == 2
        assert "not empty" in outcome.stderr
    assert [file.name for file in folder.iterdir()] == ["notes.txt"]
    (folder / "notes.txt").unlink()
    assert vifi("model", "import", checkpoint, "--base", base, "--output", folder).exit_code == 0
    assert (folder / "config.json").is_file()
