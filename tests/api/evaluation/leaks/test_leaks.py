"""What a model was trained on, and which leaks are found."""

import re
from pathlib import Path

import pytest

from tests.made_videos import solid_colour_clip
from tests.model.conftest import make_tiny_clip
from vifi_cli.api.evaluation.leaks.leaks import TrainedOn, find_leak, same_classes, trained_on
from vifi_cli.api.training.prepare import digest_of, find_data
from vifi_cli.data.class_names import class_names_of
from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.data.paper_setting import SUPERVISED
from vifi_cli.data.source import DataSource
from vifi_cli.training.recipe.changes import make_recipe
from vifi_cli.training.run.folder import RunConfig, RunFolder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with a folder per class."""
    for colour in ("red", "blue"):
        for number in range(3):
            path = tmp_path / "clips" / colour / f"{colour}_{number}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            solid_colour_clip(path, [(colour, 0.2)])
    return tmp_path / "clips"


def begin_run(folder: Path, model: Path, data: Path, seed: int) -> Path:
    """A run folder as training leaves it, as far as leaks are concerned; gives its best model."""
    videos = find_data(DataSource.parse(str(data)), SUPERVISED, seed, protocol="default")
    recipe = make_recipe("small", changes=[f"seed={seed}"])
    config = RunConfig(str(model), str(data), "", "supervised", "default", recipe, digest_of(videos))
    RunFolder(folder).begin(config)
    RunFolder(folder).best.mkdir()
    return RunFolder(folder).best


def test_both_stages_of_a_bridge_count(data: Path, tmp_path: Path) -> None:
    tiny = make_tiny_clip(tmp_path / "tiny")
    first = begin_run(tmp_path / "run" / "finetune", tiny, data, seed=1)
    second = begin_run(tmp_path / "run" / "prompt", first, data, seed=2)
    learned = trained_on(str(second), str(data))
    drawn = [
        {
            video.path
            for video in find_data(DataSource.parse(str(data)), SUPERVISED, seed, protocol="default").train
        }
        for seed in (1, 2)
    ]
    assert {video.path for video in learned.videos} == drawn[0] | drawn[1]
    assert (learned.base, learned.gap) == (str(tiny), "")
    assert set(learned.class_names) == {"red", "blue"}


def test_data_that_is_gone_or_changed_leaves_a_gap(data: Path, tmp_path: Path) -> None:
    tiny = make_tiny_clip(tmp_path / "tiny")
    best = begin_run(tmp_path / "run", tiny, data, seed=1)
    solid_colour_clip(data / "red" / "new.mp4", [("red", 0.2)])
    assert "have changed since" in trained_on(str(best), str(data)).gap
    data.rename(tmp_path / "moved")
    assert "is not available" in trained_on(str(best), str(data)).gap
    assert trained_on(str(tiny), str(data)) == TrainedOn(str(tiny))


def test_a_copy_of_a_training_video_is_a_leak(data: Path, tmp_path: Path) -> None:
    train = [LabeledVideo(path, 0) for path in sorted((data / "red").iterdir())]
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(train[1].path.read_bytes())
    learned = TrainedOn("start", tuple(train[:2]), ("red",))
    tests = [LabeledVideo(copy, 0)]
    leak = find_leak("M", learned, tests, (), by_name=False)
    assert leak is not None
    assert re.search(
        r"training videos? of M gives? tests away, such as red_\d.mp4 \(a copy of copy.mp4\)", leak
    )
    assert find_leak("M", TrainedOn("start"), tests, (), by_name=False) is None


def test_files_of_one_name_are_one_video_in_public_sets_alone() -> None:
    learned = TrainedOn("start", (LabeledVideo(Path("/here/a.avi"), 0),), ())
    tests = [LabeledVideo(Path("/there/a.avi"), 0)]
    assert find_leak("M", learned, tests, (), by_name=False) is None
    leak = find_leak("M", learned, tests, (), by_name=True)
    assert leak == "1 training video of M gives tests away, such as a.avi (the same name as a.avi)"


def test_novel_classes_that_were_learned_are_a_leak() -> None:
    learned = TrainedOn("start", (), ("ShootBow", "wave"))
    leak = find_leak("M", learned, (), ("shoot_bow", "climb"), by_name=False)
    assert leak == "M has learned 1 of the 2 novel classes, such as 'shoot_bow'"
    assert find_leak("M", learned, (), ("climb", "run"), by_name=False) is None
    elsewhere = TrainedOn("start", (), ("wave",), met_elsewhere=("ShootBow",))
    assert find_leak("M", elsewhere, (), ("shoot_bow", "climb"), by_name=False) is None
    assert same_classes(("shoot_bow", "climb"), elsewhere.met_elsewhere) == ["shoot_bow"]


def test_classes_of_another_public_set_count_apart(tmp_path: Path) -> None:
    """As in the paper, whose bridge is Kinetics-400, with classes of UCF-101 among its own."""
    lists = tmp_path / "ucf101" / "ucfTrainTestlist"
    lists.mkdir(parents=True)
    names = class_names_of("ucf101")
    for group, split in enumerate(("trainlist01", "testlist01"), start=1):
        files = [f"{name}/v_{name}_g0{group}_c01.avi" for name in names]
        for file in files:
            (tmp_path / "ucf101" / Path(file).name).touch()
        (lists / f"{split}.txt").write_text("".join(f"{file} {n}\n" for n, file in enumerate(files, start=1)))
    videos = find_data(DataSource("ucf101", root=tmp_path), SUPERVISED, 0, protocol="default")
    tiny = make_tiny_clip(tmp_path / "tiny")
    run = RunFolder(tmp_path / "run")
    run.begin(
        RunConfig(
            str(tiny),
            "ucf101",
            str(tmp_path),
            "supervised",
            "default",
            make_recipe("small"),
            digest_of(videos),
        )
    )
    run.best.mkdir()
    for tested, own, elsewhere in (("ucf101", 101, 0), ("hmdb51", 0, 101)):
        learned = trained_on(str(run.best), tested)
        assert (len(learned.class_names), len(learned.met_elsewhere)) == (own, elsewhere)
        assert len(learned.videos) == 101
