"""Class-activation maps of convolutional towers: by hand, split where they should be, and of photographs."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from torch import Tensor, nn

from tests.model.conftest import photograph
from vifi_cli.errors import InvalidInput
from vifi_cli.model.attention.activation_map import activation_map
from vifi_cli.model.attention.frame_maps import choose_method, look
from vifi_cli.model.torchvision_operators import declare_missing_operators
from vifi_cli.model.towers.vifi_clip import unit_length

declare_missing_operators()


def timm_tower(name: str) -> nn.Module:
    from open_clip.timm_model import TimmModel

    tower: nn.Module = TimmModel(name, 16, image_size=64, pool="avg", proj="linear")
    return tower


def resnet() -> nn.Module:
    from open_clip.modified_resnet import ModifiedResNet

    tower: nn.Module = ModifiedResNet([1, 1, 1, 1], 16, heads=2, image_size=64, width=8)
    return tower


TOWERS: dict[str, Callable[[], nn.Module]] = {
    "resnet": resnet,
    "convnext": partial(timm_tower, "convnext_atto"),
    "fastvit": partial(timm_tower, "fastvit_t8"),
    "efficientnet": partial(timm_tower, "tf_efficientnet_lite0"),
}


def test_a_map_by_hand() -> None:
    features = torch.tensor([[[[1.0, 2.0], [3.0, 0.0]], [[0.0, 1.0], [5.0, 1.0]]]], requires_grad=True)
    gradient = torch.tensor([[[[4.0, 0.0], [0.0, 0.0]], [[0.0, -2.0], [0.0, 0.0]]]])
    # the channels weigh 4/4 and -2/4
    expected = torch.tensor([[[1.0, 1.5], [0.5, 0.0]]])
    torch.testing.assert_close(activation_map(features, (features * gradient).sum((1, 2, 3))), expected)


def test_what_speaks_against_a_score_is_dark() -> None:
    features = torch.tensor([[[[1.0, -1.0]]]], requires_grad=True)
    torch.testing.assert_close(
        activation_map(features, -features.sum((1, 2, 3))), torch.tensor([[[0.0, 1.0]]])
    )


@pytest.mark.parametrize("kind", TOWERS)
def test_towers_are_split_before_their_pooling(kind: str) -> None:
    torch.manual_seed(0)
    tower = TOWERS[kind]().eval()
    pictures, text = torch.randn(2, 3, 64, 64), F.normalize(torch.randn(16), dim=0)
    seen = look(tower, pictures, choose_method(tower, None, has_text=True), text)
    torch.testing.assert_close(seen.embeddings, tower(pictures))
    assert seen.maps.shape == (2, 2, 2), "a thirty-second of the picture"
    assert (seen.maps >= 0).all()
    torch.testing.assert_close(
        look(tower, pictures[1:], "cam", text).maps, seen.maps[1:], rtol=1e-4, atol=1e-6
    )


def test_towers_of_another_kind_are_refused_in_a_line() -> None:
    from timm.models.swin_transformer import SwinTransformer

    with pytest.raises(InvalidInput, match=r"SwinTransformer.*choose another model"):
        choose_method(
            SwinTransformer(img_size=64, embed_dim=8, depths=(1, 1), num_heads=(1, 1), window_size=4),
            None,
            has_text=True,
        )
    with pytest.raises(InvalidInput, match=r"--method rollout is for transformers.*use cam"):
        choose_method(resnet(), "rollout", has_text=True)
    features = torch.ones(1, 4, 8, requires_grad=True)
    with pytest.raises(InvalidInput, match="no rows and columns"):
        activation_map(features, features.sum((1, 2)))


def beside(left: str, right: str) -> Tensor:
    """Two photographs side by side, as `starter` takes pictures: (1, 3, 224, 224)."""
    pictures = [photograph(name, 112) for name in (left, right)]
    both = np.full((224, 224, 3), 127, np.uint8)
    both[56:168] = np.concatenate(pictures, axis=1)
    return torch.from_numpy((both.transpose(2, 0, 1)[None].astype(np.float32) - 127) / 128)


def test_starter_finds_each_of_two_things_where_it_is(
    starter_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vifi_cli.model.registry.source import resolve_model
    from vifi_cli.model.storage.loading import load_vifi_clip

    monkeypatch.setenv("VIFI_HOME", str(starter_home))
    loaded = load_vifi_clip(resolve_model("starter"))
    starter = loaded.network
    pictures = torch.cat([beside("chelsea", "coffee"), beside("coffee", "chelsea")])
    for text, sides in (("a cat", (0, 1)), ("a cup of coffee", (1, 0))):
        embedding = unit_length(starter.text(loaded.tokenizer([text])))[0].detach()
        maps = look(starter.visual, pictures, "cam", embedding).maps
        halves = torch.stack([maps[:, :, :3].sum((1, 2)), maps[:, :, 4:].sum((1, 2))], 1)
        assert halves.argmax(1).tolist() == list(sides)
