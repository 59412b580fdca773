"""Plans keep the splits of the data or draw others, and refuse what makes no sense."""

from pathlib import Path

import pytest

from tests.data.splits.test_random_splits import made
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
from vifi_cli.data.splits.plan import SplitPlan, split_base_and_novel, split_videos
from vifi_cli.data.splits.random_splits import draw_shots
from vifi_cli.errors import InvalidInput


def test_own_splits_are_kept_unless_shares_are_asked_for() -> None:
    videos = LabeledVideos("set", ("a", "b"), made([0, 1] * 10), test=(LabeledVideo(Path("/t.mp4"), 1),))
    few = split_videos(videos, SplitPlan(shots=2))
    assert (len(few.train), few.test) == (4, videos.test)
    assert few.train == draw_shots(videos.train, 2, 0)
    fresh = split_videos(videos, SplitPlan(0.2, 0.2))
    assert len(fresh.all_videos()) == 21
    assert len(fresh.val) == len(fresh.test) == 4


def test_base_and_novel_have_label_spaces_of_their_own() -> None:
    parts = split_videos(
        LabeledVideos("set", ("a", "b", "c"), made([0] * 5 + [1] * 20 + [2] * 10)), SplitPlan()
    )
    base, novel = split_base_and_novel(parts)
    assert (base.class_names, novel.class_names) == (("b", "c"), ("a",))
    assert (novel.train, novel.val, len(novel.test)) == ((), (), 1)
    assert len(base.all_videos()) == 30


@pytest.mark.parametrize(
    ("plan", "said"), [({"hold_out": ("daria",)}, "--group-by"), ({"nested": True}, "--shots")]
)
def test_plans_that_make_no_sense_are_refused(plan: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        SplitPlan(**plan)  # type: ignore[arg-type]
