"""`check_data` and `split_data`, as a notebook uses them."""

from dataclasses import asdict
from pathlib import Path

import pytest

from tests.made_videos import solid_colour_clip
from vifi_cli import DataSource, SplitPlan, VifiError, check_data, split_data


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("api") / "people"
    for place, colour in enumerate(("red", "green", "blue", "gold", "teal", "navy")):
        path = folder / ("run", "walk")[place % 2] / f"{('ann', 'bob', 'eve')[place // 2]}_{place}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        solid_colour_clip(path, [(colour, 0.4)])
    return folder


def test_good_data_has_no_findings(people: Path) -> None:
    found = check_data(people)
    assert found.is_fine
    assert found.findings() == ()
    assert repr(found) == f"<DataCheck {str(people)!r}: 6 videos, no problems>"
    assert repr(found.videos) == f"<LabeledVideos {str(people)!r}: 2 classes, 4 train, 2 val, 2 test>"


def test_findings_are_rows(people: Path, tmp_path: Path) -> None:
    video = people / "run" / "ann_0.mp4"
    table = tmp_path / "table.csv"
    table.write_text(
        f"path,label,split\n{video},run,train\n{people}/walk/bob_3.mp4,walk,train\n{video},run,test\n"
        "gone.mp4,walk,val\n"
    )
    found = check_data(table, decode=False)
    assert [asdict(finding) for finding in found.findings()] == [
        {"kind": "missing", "subject": "gone.mp4", "detail": "", "split": ""},
        {"kind": "file leak", "subject": str(video), "detail": "", "split": "val"},
    ]
    assert repr(found).endswith("2 videos, 1 missing, 1 file leak>")


def test_classes_that_the_model_cannot_tell_apart_are_reasons_why_training_refuses(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The starter's tokenizer knows no letter of Khmer, while CLIP's reads bytes."""
    table = tmp_path / "table.csv"
    videos = sorted(people.rglob("*.mp4"))
    rows = [f"{video},{('ដើរ', 'រត់')[place % 2]}" for place, video in enumerate(videos)]
    table.write_text("\n".join(["path,label", *rows]), encoding="utf-8")
    monkeypatch.setenv("VIFI_MODEL", "starter")
    (refusal,) = check_data(table, decode=False).refusals
    assert refusal.startswith(
        "starter cannot tell 'ដើរ' from 'រត់' (they differ only in letters that its tokenizer"
    )
    monkeypatch.setenv("VIFI_MODEL", "clip-vit-b-16")
    assert not check_data(table, decode=False).refusals, "its tokenizer needs no weights"


def test_a_setting_of_the_paper_can_be_checked(people: Path) -> None:
    found = check_data(people, "few-shot-1", decode=False)
    assert [(count.name, count.train) for count in found.videos.counts()] == [("run", 1), ("walk", 1)]
    with pytest.raises(VifiError, match="few-shot-2"):
        check_data(people, "few-shot")


def test_a_split_is_written_and_counted(people: Path, tmp_path: Path) -> None:
    plan = SplitPlan(group_by="^([a-z]+)_", hold_out=("eve",))
    made = split_data(people, tmp_path / "fold.csv", plan)
    assert repr(made) == "<DataSplit fold.csv: 4 train, 0 val, 2 test>"
    assert [(count.name, count.train, count.test) for count in made.counts()] == [
        ("run", 2, 1),
        ("walk", 2, 1),
    ]
    again = split_data(DataSource(str(tmp_path / "fold.csv")), tmp_path / "few.csv", SplitPlan(shots=1))
    assert again.keeps_splits
    assert repr(again) == "<DataSplit few.csv: 2 train, 0 val, 2 test>"
