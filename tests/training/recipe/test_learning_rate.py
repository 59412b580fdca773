"""The learning rate, against the scheduler that the published code uses."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.model.torchvision_operators import declare_missing_operators
from vifi_cli.training.batches.epoch_plan import make_schedule, plan_run
from vifi_cli.training.recipe.changes import make_recipe
from vifi_cli.training.recipe.learning_rate import Schedule


def published_rates(videos: int, epochs: int, top: float, batches_per_step: int) -> list[float]:
    """What each optimizer step of the published loop runs at, on 8 GPUs with 4 clips each."""
    declare_missing_operators()
    from timm.scheduler.cosine_lr import CosineLRScheduler

    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=top)
    batches = math.ceil(videos / 8) // 4
    scheduler = CosineLRScheduler(
        optimizer,
        t_initial=epochs * batches,
        lr_min=top / 100,
        warmup_lr_init=0,
        warmup_t=5 * batches,
        cycle_limit=1,
        t_in_epochs=False,
    )
    rates = []
    for epoch in range(epochs):
        for batch in range(batches):
            if (batch + 1) % batches_per_step == 0:
                rates.append(optimizer.param_groups[0]["lr"])
                scheduler.step_update(epoch * batches + batch)
    return rates


@pytest.mark.parametrize(
    ("preset", "videos"),
    [("few-shot", 102), ("few-shot", 816), ("base2novel", 416), ("zero-shot", 2000), ("supervised", 5000)],
)
def test_the_paper_protocol_has_the_published_rates(preset: str, videos: int) -> None:
    recipe = make_recipe(preset, protocol="paper")
    plan = plan_run(recipe, videos)
    schedule = make_schedule(recipe, plan)
    expected = published_rates(videos, recipe.epochs, recipe.learning_rate, recipe.batches_per_step)
    found = [schedule.learning_rate(step) for step in range(plan.steps_per_epoch * plan.epochs)]
    assert found == pytest.approx(expected, rel=1e-9)


def test_the_published_rate_falls_by_half_where_a_ten_epoch_warm_up_ends() -> None:
    recipe = make_recipe("zero-shot", protocol="paper")
    plan = plan_run(recipe, 256 * 100)
    schedule = make_schedule(recipe, plan)
    rates = [schedule.learning_rate(step) for step in range(plan.steps_per_epoch * plan.epochs)]
    top = max(rates)
    after = rates[rates.index(top) + 1]
    assert top == pytest.approx(8e-6, rel=0.01)
    assert after == pytest.approx(4.04e-6, rel=0.01)


@given(st.integers(1, 50), st.integers(1, 40), st.floats(0, 60))
def test_the_default_rises_to_the_top_then_falls_without_a_jump(
    steps: int, epochs: int, warmup: float
) -> None:
    schedule = Schedule(1.0, steps, epochs, warmup)
    rates = [schedule.learning_rate(step) for step in range(steps * epochs)]
    top = rates.index(max(rates))
    assert max(rates) == pytest.approx(1.0)
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert all(0 < rate <= 1 + 1e-9 for rate in rates)
