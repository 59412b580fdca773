"""Which videos the steps learn from."""

from collections import Counter
from itertools import chain

import numpy as np
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
class_labels = st.lists(st.integers(0, 6), min_size=1, max_size=60)


def balanced(labels: list[int], strength: float, **values: int) -> RunPlan:
    recipe = make_recipe("small", changes=[f"class_balance={strength}", "epochs=3", values])
    return plan_run(recipe, len(labels), labels)


def epoch_of(plan: RunPlan, epoch: int) -> list[int]:
    groups = chain.from_iterable(step.groups for step in plan.steps(0) if step.epoch == epoch)
    return [draw.video for group in groups for draw in group.draws]


@given(class_labels, st.sampled_from([0.25, 0.5, 1.0]), st.integers(1, 20))
def test_a_balanced_epoch_is_as_long_and_uses_a_class_evenly(
    labels: list[int], strength: float, batch: int
) -> None:
    plan = balanced(labels, strength, effective_batch=batch)
    sizes = Counter(labels)
    weights = {each: size ** (1 - strength) for each, size in sizes.items()}
    for epoch in range(3):
        drawn = epoch_of(plan, epoch)
        assert len(drawn) == len(labels)
        seen = Counter(labels[video] for video in drawn)
        uses = Counter(drawn)
        for each, weight in weights.items():
            share = len(labels) * weight / sum(weights.values())
            assert seen[each] >= 1
            assert abs(seen[each] - share) < 1 + 1e-6
            of_class = [uses[video] for video, label in enumerate(labels) if label == each]
            assert max(of_class) - min(of_class) <= 1, (
                "no video comes twice before all of its class have come"
            )


@given(class_labels, st.integers(1, 5), st.integers(0, 40))
def test_balance_depends_on_seed_and_epoch_alone(labels: list[int], processes: int, first: int) -> None:
    plan = balanced(labels, 1.0, effective_batch=4, seed=3)
    alone = list(plan.steps(0))
    assert list(plan.steps(first)) == alone[first:]
    assert list(balanced(labels, 1.0, effective_batch=4, seed=3).steps(0)) == alone
    for number, whole in enumerate(alone):
        shares = [next(plan.steps(number, rank, processes)) for rank in range(processes)]
        counted = [group for share in shares for group in share.groups if group.counts]
        assert sorted(counted, key=lambda group: group.draws[0].position) == list(whole.groups)


def test_rare_classes_come_as_often_as_frequent_ones_or_by_roots() -> None:
    labels = [0] * 64 + [1] * 16 + [2] * 4

    def seen(strength: float, **values: int) -> list[float]:
        plan = balanced(labels, strength, **values)
        counts = Counter(labels[video] for epoch in range(3) for video in epoch_of(plan, epoch))
        return [counts[each] / sum(counts.values()) for each in range(3)]

    assert seen(1.0) == [pytest.approx(1 / 3)] * 3
    assert seen(0.5) == pytest.approx([8 / 14, 4 / 14, 2 / 14])
    assert seen(0.0) == pytest.approx([64 / 84, 16 / 84, 4 / 84])
    complete = make_recipe("small", changes=["class_balance=1", "drop_incomplete=true", "effective_batch=80"])
    plan = plan_run(complete, len(labels), labels)
    assert (plan.steps_per_epoch, {step.clips for step in plan.steps(0)}) == (1, {80})
    first, second = epoch_of(plan, 0), epoch_of(plan, 1)
    assert first != second


def test_without_balance_the_order_is_as_it_always_was() -> None:
    plan = plan_run(make_recipe("small", changes=["effective_batch=3"]), 7, [0, 0, 0, 0, 0, 1, 2])
    assert epoch_of(plan, 1) == np.random.default_rng([plan.seed, 1]).permutation(7).tolist()


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
