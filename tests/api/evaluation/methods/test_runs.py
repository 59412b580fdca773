"""The runs of training that an evaluation compares: each method's recipe, whatever the others are given."""

from dataclasses import replace
from pathlib import Path

import pytest

from vifi_cli.api.evaluation.methods.runs import MethodRuns, Run
from vifi_cli.api.evaluation.request import Subject
from vifi_cli.api.training.request import recipe_of
from vifi_cli.data.paper_setting import Setting
from vifi_cli.data.source import DataSource
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.testing.paper_settings import Trial
from vifi_cli.model.preprocessing import STARTER_PREPROCESSING
from vifi_cli.model.registry.card import BaseReference, LoraShape, ModelCard
from vifi_cli.model.registry.source import ModelSource, resolve_model
from vifi_cli.training.recipe.changes import Change, make_recipe
from vifi_cli.training.recipe.recipe import Recipe


def recipe(method: str, *changes: Change, data: str = "/data/clips.csv") -> Recipe:
    """The recipe of a method beside others."""
    start, setting = resolve_model("starter"), Setting("few-shot", 2)
    subject = Subject(setting, DataSource(data), (start,), "default", changes, make_recipe("small"), 1)
    request = MethodRuns(subject, Path("/runs"))._request(method, Trial((), 1, seed=7, shots=2))
    assert request.output == Path(f"/runs/{method}-K2-seed7")
    return recipe_of(request)


def test_lora_has_its_preset_and_its_keys_alone() -> None:
    plain = recipe("lora")
    assert (plain.lora.rank, plain.tune, plain.seed) == (8, "both", 7)
    assert plain.learning_rate == make_recipe("lora-small").learning_rate
    assert recipe("vifi").lora.rank == 0
    for changes in (("lora.rank=4",), ({"lora": {"rank": 4}},), ("lora-small", "lora.rank=4")):
        assert recipe("lora", *changes).lora.rank == 4
        assert recipe("vifi", *changes) == recipe("vifi")
    changes = ("learning_rate=0.5", "finetune.learning_rate=0.25", "frames=3")
    assert [recipe(method, *changes).learning_rate for method in ("lora", "vifi")] == [0.5, 0.25]
    assert [recipe(method, *changes).frames for method in ("lora", "vifi")] == [3, 3]


def test_lora_sees_as_many_frames_as_the_methods_beside_it() -> None:
    assert [recipe(method, data="hmdb51").frames for method in ("lora", "vifi")] == [32, 32]
    assert [recipe(method, "finetune.frames=4").frames for method in ("lora", "vifi")] == [4, 4]


@pytest.mark.parametrize("method", ["linear-probe", "tip-adapter", "lora"])
def test_a_start_that_a_method_cannot_take_is_refused_before_any_other_trains(
    method: str, tmp_path: Path
) -> None:
    lora, base = LoraShape(2, 4.0, ("image",), ("conv",)), BaseReference("starter", "1", "2")
    card = ModelCard("starter", STARTER_PREPROCESSING, tuned=("image",), lora=lora, base=base)
    start, setting = ModelSource("lora/best", "vifi", path=tmp_path, card=card), Setting("supervised")
    subject = Subject(setting, DataSource("/data"), (start,), "default", (), make_recipe("small"), 1)

    def needed(*methods: str) -> dict[Path, Run]:
        return MethodRuns(replace(subject, methods=methods), tmp_path).needed([Trial((), 1)])

    assert len(needed("vifi")) == 1
    with pytest.raises(InvalidInput, match="vifi model merge lora/best"):
        needed("vifi", method)
