"""Methods by their names, averaged with their start by NAME@ALPHA, and trained on class texts."""

import json
from pathlib import Path

import numpy as np
import pytest

import vifi_cli
from vifi_cli import evaluate
from vifi_cli.api.evaluation.methods.method import METHODS, find_method, trained_method
from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.card import read_card


@pytest.mark.parametrize(
    ("name", "title", "alpha"),
    [
        ("vifi@0.7", "ViFi-CLIP, WiSE-FT 0.7", 0.7),
        ("image-ft@.25", "CLIP image-FT, WiSE-FT 0.25", 0.25),
        ("fusion-decision@1", "ViFi-CLIP, decision fusion, WiSE-FT 1", 1.0),
        ("vifi@0", "ViFi-CLIP, WiSE-FT 0", 0.0),
    ],
)
def test_a_method_is_averaged_with_its_start_by_alpha(name: str, title: str, alpha: float) -> None:
    method = find_method(name)
    assert (method.title, method.alpha) == (title, alpha)
    assert method.tune == METHODS[trained_method(name)].tune


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("vivi@0.7", "'vivi@0.7' is not a method"),
        ("@0.7", "'@0.7' is not a method"),
        ("vanilla@0.7", "it trains no weights; the methods that can are image-ft@0.7, "),
        ("prompt@0.7", "learned prompts fit only the weights that they were learned for"),
        ("bridge-prompt@0.7", "learned prompts fit only the weights"),
        *((f"vifi@{alpha}", "the trained weights' share, from 0 to 1, as in vifi@0.7")
          for alpha in ("", "1.1", "-0.1", "nan", "1e-1", "70%", "0.7@0.5", "٠")),
    ],
)  # fmt: skip
def test_what_cannot_be_averaged_is_refused_in_a_line(name: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        find_method(name)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_texts_train_a_second_run_and_alpha_none(tiny: Path, colours: Path, tmp_path: Path) -> None:
    texts = tmp_path / "sky.json"
    names = ["blue", "green", "red"]
    texts.write_text(json.dumps({name: [f"{name} as can be", f"so {name}"] for name in names}))
    report = evaluate(
        str(tiny),
        colours,
        "few-shot-1",
        methods=["vanilla", "vifi", "vifi@0.4", "prompt"],
        texts=str(texts),
        recipe=[
            *("frames=1", "epochs=2", "effective_batch=4", "warmup_epochs=0", "learning_rate=1e-2"),
            *("prompt.prompts.text_context=1", "prompt.prompts.text_depth=1", "finetune.texts_per_step=1"),
        ],
        output=tmp_path / "report",
        device="cpu",
    )
    own, sky = "ViFi-CLIP", f"ViFi-CLIP + {texts}"
    assert [row.method for row in report.table.rows] == [
        "vanilla CLIP", f"vanilla CLIP + {texts}", own, sky,
        "ViFi-CLIP, WiSE-FT 0.4", f"ViFi-CLIP, WiSE-FT 0.4 + {texts}", "prompts alone",
    ]  # fmt: skip
    runs = tmp_path / "report" / "runs"
    assert {folder.name.split("-")[0] for folder in runs.iterdir()} == {"vifi", "vifi+sky", "prompt"}
    trained = next(runs.glob("vifi+sky*")) / "best"
    assert next(iter(read_card(trained).texts.descriptions)) == names[0]  # type: ignore[union-attr]
    merged = vifi_cli.merge_models([tiny, trained], tmp_path / "merged", alpha=0.4)
    again = evaluate(
        str(merged.folder), colours, "few-shot-1", output=tmp_path / "again", device="cpu", frames=1
    )
    by_hand, in_table = again.details[-1], next(d for d in report.details if "0.4 +" in d.method)
    np.testing.assert_allclose(
        in_table.predictions.probabilities, by_hand.predictions.probabilities, atol=1e-6
    )
    facts = dict(report.facts)
    mixed = next(facts[name] for name in facts if name.endswith("@0.4") and "sky" in name)
    assert f"0.6 x {tiny} + 0.4 x {trained}" in mixed
    assert f"class texts of {texts}, such as '{names[0]} as can be'" in mixed
    digest = next(
        text for name, text in dict(again.facts).items() if name.startswith("Model") and "merged" in name
    )
    assert mixed.rpartition("sha256 ")[2] == digest.rpartition("sha256 ")[2]
