"""How test clips enter models: with their own statistics, or all with ImageNet's as published."""

from pathlib import Path

import pytest
import torch

from tests.model.conftest import TINY_PREPROCESSING, make_tiny_clip
from vifi_cli.api.evaluation.testing import ClipSettings
from vifi_cli.evaluation.testing.views import ONE_VIEW
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.loading import load_vifi_clip
from vifi_cli.training.engine.processes.distributed import Processes
from vifi_cli.training.recipe.changes import make_recipe

# img_norm_cfg of the published datasets/build.py, for bytes
PUBLISHED = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))


@pytest.mark.parametrize("is_published", [True, False])
def test_the_published_protocol_normalizes_clip_too_by_imagenet(
    tmp_path: Path, *, is_published: bool
) -> None:
    alone = Processes(0, 1, torch.device("cpu"))
    settings = ClipSettings(2, ONE_VIEW, make_recipe("small"), alone, imagenet_statistics=is_published)
    pixels = torch.randint(0, 256, (1, 2, 3, 4, 4), dtype=torch.uint8)
    vanilla = load_vifi_clip(resolve_model(str(make_tiny_clip(tmp_path / "clip"))))
    own = [[255 * value for value in TINY_PREPROCESSING[name]] for name in ("mean", "std")]  # type: ignore[union-attr]
    mean, std = (torch.tensor(values)[:, None, None] for values in (PUBLISHED if is_published else own))
    torch.testing.assert_close(settings.enter(vanilla)(pixels), (pixels.float() - mean) / std)
