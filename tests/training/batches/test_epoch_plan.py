"""Which videos the steps learn from."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.training.batches.epoch_plan import RunPlan, plan_run
from vifi_cli.training.recipe.changes import make_recipe

plans = st.builds(
    RunPlan,
    videos=st.integers(1, 40),
    effective_batch=st.integers(1, 20),
    steps_per_epoch=st.integers(1, 4),
    epochs=st.integers(1, 3),
    group=st.integers(1, 5),
    seed=st.integers(0, 100),
)


@given(plans, st.integers(1, 5))
def test_processes_share_a_step_without_changing_it(plan: RunPlan, processes: int) -> None:
    alone = list(plan.steps(0))
    shares = [list(plan.steps(0, rank, processes)) for rank in range(processes)]
    for number, whole in enumerate(alone):
        counted = [group for share in shares for group in share[number].groups if group.counts]
        assert sorted(counted, key=lambda group: group.draws[0].position) == list(whole.groups)
        assert all(share[number].groups for share in shares)
        assert {share[number].clips for share in shares} == {whole.clips}


@given(plans, st.integers(0, 12))
def test_a_run_goes_on_where_it_was(plan: RunPlan, first: int) -> None:
    assert list(plan.steps(first)) == list(plan.steps(0))[first:]


@given(st.integers(1, 300), st.integers(1, 64))
def test_an_epoch_shows_each_video_once(videos: int, batch: int) -> None:
    recipe = make_recipe("small", changes=[f"effective_batch={batch}", "epochs=2"])
    steps = list(plan_run(recipe, videos).steps(0))
    for epoch in (0, 1):
        groups = chain.from_iterable(step.groups for step in steps if step.epoch == epoch)
        assert sorted(draw.video for group in groups for draw in group.draws) == list(range(videos))


@pytest.mark.parametrize(
    ("videos", "steps"),
    # recipe of the paper on 8 GPUs: HMDB-51, UCF-101 and SSv2 with 2, 4, 8, 16 clips a class
    [
        (102, 1),
        (204, 3),
        (408, 6),
        (816, 12),
        (202, 3),
        (404, 6),
        (808, 12),
        (1616, 25),
        (348, 5),
        (1392, 21),
        (2784, 43),
    ],
)
def test_the_paper_protocol_takes_the_published_number_of_steps(videos: int, steps: int) -> None:
    plan = plan_run(make_recipe("few-shot", protocol="paper"), videos)
    assert plan.steps_per_epoch == steps
    assert all(step.clips == 64 for step in plan.steps(0))


def test_epochs_and_seeds_draw_other_orders() -> None:
    def order(plan: RunPlan, epoch: int) -> list[int]:
        groups = chain.from_iterable(step.groups for step in plan.steps(0) if step.epoch == epoch)
        return [draw.video for group in groups for draw in group.draws]

    plan, other = RunPlan(50, 10, 5, 2, 4, seed=1), RunPlan(50, 10, 5, 2, 4, seed=2)
    assert order(plan, 0) != order(plan, 1)
    assert order(plan, 0) != order(other, 0)
