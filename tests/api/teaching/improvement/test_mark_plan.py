"""Which concepts have enough marks, what the others lack, and how a model is trained."""

import pytest

from tests.api.teaching.improvement.made_marks import moments
from vifi_cli.api.teaching.improvement.held_out import held_out_by
from vifi_cli.api.teaching.improvement.mark_plan import FEW_MARKS, MarkCounts, MarkPlan, choose_method


@pytest.mark.parametrize(
    ("counts", "lacks"),
    [
        (MarkCounts("wave", 3, 1, 1, 1), ""),
        (MarkCounts("wave", 2, 1, 1, 1), "1 more right mark to learn from"),
        (
            MarkCounts("wave", 1, 0, 1, 1),
            "2 more right marks to learn from and a wrong mark to learn from",
        ),
        (MarkCounts("wave", 3, 3, 0, 2), "right marks of another video, to hold out"),
        (MarkCounts("wave", 3, 3, 2, 0), "wrong marks of another video, to hold out"),
    ],
)
def test_a_concept_says_what_it_lacks(counts: MarkCounts, lacks: str) -> None:
    assert counts.lacks == lacks


@pytest.mark.parametrize(
    ("right", "is_starter", "method"),
    [
        (FEW_MARKS - 1, True, "text-prompts"),
        (FEW_MARKS, True, "finetune"),
        (FEW_MARKS, False, "lora"),
    ],
)
def test_the_number_of_marks_chooses_the_method(right: int, is_starter: bool, method: str) -> None:
    marked = moments("a+", "b-")
    plan = MarkPlan(marked, held_out_by(marked, "ab"), (MarkCounts("wave", right, 1, 1, 1),), ())
    assert choose_method(plan, is_starter=is_starter)[0] == method


def test_the_table_of_a_plan_tests_on_held_out_groups() -> None:
    marked = moments("a+", "b-", "c+", "d-")
    plan = MarkPlan(marked, held_out_by(marked, {"c", "d"}), (), ())
    videos = plan.videos("marks")
    assert videos.class_names == ("a person waves", "something else")
    assert [video.path.stem for video in videos.train] == ["a", "b"]
    assert [video.path.stem for video in videos.test] == ["c", "d"]
