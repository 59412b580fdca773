"""Averages of weights: exact at their ends, by hand in between, and refused where they would mean nothing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.model.conftest import make_tiny_clip
from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.card import BaseReference, PromptShape
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.averaging import add_weights, average_models, averaged
from vifi_cli.model.storage.loading import LoadedModel, load_vifi_clip
from vifi_cli.model.storage.writing import write_model_folder

Named = Callable[..., LoadedModel]


@pytest.fixture
def named(tmp_path: Path) -> Named:
    """Loads a tiny CLIP of a seed, with its card changed as said."""

    def load(name: str, seed: int, **changes: object) -> LoadedModel:
        model = load_vifi_clip(resolve_model(str(make_tiny_clip(tmp_path / name, seed))))
        torch.manual_seed(seed)
        model.network.logit_scale.data.uniform_(2, 5)
        source = replace(model.source, name=name)
        return replace(model, source=source, card=replace(model.card, **changes))  # type: ignore[arg-type]

    return load


def is_same(one: LoadedModel, weights: dict[str, torch.Tensor]) -> bool:
    state = one.network.state_dict()
    return all(torch.equal(tensor, weights[name]) for name, tensor in state.items())


@pytest.mark.parametrize(("alpha", "same"), [(0.0, 0), (1.0, 1)])
def test_the_ends_are_the_models_to_the_bit(named: Named, alpha: float, same: int) -> None:
    models = named("plain", 0), named("tuned", 1, tuned=("image", "text"))
    merged = average_models(models, (1 - alpha, alpha)).model.network.state_dict()
    assert is_same(models[same], merged)
    assert not is_same(models[1 - same], merged)


def test_two_models_are_mixed_by_alpha_the_temperature_too(named: Named) -> None:
    plain, tuned = named("plain", 0), named("tuned", 1, tuned=("text",))
    before = {name: tensor.clone() for name, tensor in tuned.network.state_dict().items()}
    merged = average_models((plain, tuned), (0.25, 0.75)).model.network.state_dict()
    for name, tensor in plain.network.state_dict().items():
        expected = (0.25 * tensor.double() + 0.75 * before[name].double()).float()
        assert torch.equal(merged[name], expected), name
    assert is_same(tuned, before), "the models that were merged stay as they are"


def test_a_soup_is_the_mean(named: Named) -> None:
    models = [named(f"model{seed}", seed) for seed in range(3)]
    merged = average_models(iter(models), (1 / 3,) * 3).model.network
    scales = [model.network.logit_scale.item() for model in models]
    assert merged.logit_scale.item() == pytest.approx(sum(scales) / 3, abs=1e-6)


@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=8), st.floats(0, 1))
def test_what_is_the_same_in_both_stays_so_to_the_bit(values: list[float], alpha: float) -> None:
    weights = {"weight": torch.tensor(values), "count": torch.tensor(3)}
    total: dict[str, torch.Tensor] = {}
    for share in (1 - alpha, alpha):
        add_weights(total, weights, share)
    result = averaged(total, weights)
    assert torch.equal(result["weight"], weights["weight"])
    assert torch.equal(result["count"], weights["count"])


def test_the_card_tells_what_was_merged(named: Named, tmp_path: Path) -> None:
    plain = named("plain", 0)
    tuned = named(
        "tuned", 1, tuned=("image",), class_names=("run", "walk"), template="{}", fusion="decision",
        origin={"data": "gym", "epoch": "7", "val_top1": "0.9", "test_top1": "0.8"},  # the last three of one run
    )  # fmt: skip
    merged = average_models((plain, tuned), (0.3, 0.7))
    write_model_folder(tmp_path / "merged", merged.model.network, merged.model.card)
    card = load_vifi_clip(resolve_model(str(tmp_path / "merged"))).card
    assert card.origin == {"data": "gym", "merged": "0.3 x plain + 0.7 x tuned"}
    assert (card.class_names, card.template, card.tuned) == (("run", "walk"), "{}", ("image",))
    assert card.fusion == "decision", "a model that was not tuned goes with any fusion"
    assert merged.remarks == ()


def test_other_preprocessing_and_classes_are_remarked(named: Named) -> None:
    plain = named("plain", 0)
    statistics = replace(plain.card.preprocessing, mean=(0.5, 0.5, 0.5))
    first = named("first", 1, tuned=("image",), class_names=("run",))
    second = named("second", 2, tuned=("image",), class_names=("sit",), preprocessing=statistics)
    merged = average_models((first, second), (0.5, 0.5))
    assert merged.model.card.preprocessing == statistics
    pictures, classes = merged.remarks
    assert "first preprocesses pictures differently from second" in pictures
    assert "first was tuned on other classes than second" in classes


def test_a_soup_of_models_with_other_frames_is_remarked(named: Named) -> None:
    first = named("first", 1, tuned=("image",), origin={"frames": "16"})
    second = named("second", 2, tuned=("image",), origin={"frames": "8"})
    merged = average_models((first, second), (0.5, 0.5))
    assert merged.model.card.trained_frames == 8
    (remark,) = merged.remarks
    assert remark.startswith(
        "first was trained with 16 frames and second with 8: the merged model is tested with 8"
    )
    plain = named("plain", 0, origin={"frames": "a few"})
    assert plain.card.trained_frames is None
    assert average_models((plain, second), (0.5, 0.5)).remarks == ()


def test_models_that_fuse_in_different_ways_are_refused(named: Named) -> None:
    first = named("first", 0, tuned=("image",), fusion="image")
    second = named("second", 1, tuned=("image",))
    with pytest.raises(
        InvalidInput, match="first was tuned to fuse frames by image, and second by embedding"
    ):
        average_models((first, second), (0.5, 0.5))


def test_a_model_named_twice_is_refused(named: Named) -> None:
    model = named("model", 0)
    with pytest.raises(InvalidInput, match="model is named twice"):
        average_models((model, model), (0.5, 0.5))


def test_other_shapes_are_refused(named: Named) -> None:
    first, second = named("first", 0), named("second", 1)
    second.network.visual.proj = torch.nn.Parameter(torch.zeros(32, 8))
    with pytest.raises(InvalidInput, match=r"visual.proj is 32 x 16 in the first and 32 x 8 in the other"):
        average_models((first, second), (0.5, 0.5))


def test_missing_weights_are_refused(named: Named) -> None:
    first, second = named("first", 0), named("second", 1)
    second.network.logit_bias = torch.tensor(1.0)
    with pytest.raises(InvalidInput, match="logit_bias is missing in the first and one number in the other"):
        average_models((first, second), (0.5, 0.5))


def test_other_layers_around_weights_of_the_same_shapes_are_refused(named: Named, tmp_path: Path) -> None:
    quick = named("quick", 0)
    plain = load_vifi_clip(resolve_model(str(make_tiny_clip(tmp_path / "gelu", 1, quick_gelu=False))))
    with pytest.raises(InvalidInput, match="other layers around them"):
        average_models((quick, plain), (0.5, 0.5))
    heads = named("heads", 2)
    heads.network.visual.transformer.resblocks[0].attn.num_heads = 4  # type: ignore[union-attr, index]
    with pytest.raises(InvalidInput, match="other layers around them"):
        average_models((quick, heads), (0.5, 0.5))


def test_prompts_cannot_be_averaged(named: Named) -> None:
    plain = named("plain", 0)
    prompts = named(
        "prompts", 1, prompts=PromptShape(text_context=2, text_depth=1), base=BaseReference("plain", "", "")
    )
    with pytest.raises(
        InvalidInput, match="prompts is made of prompts that were learned for the frozen weights of plain"
    ):
        average_models((plain, prompts), (0.5, 0.5))
