"""A run whose test would be refused afterwards is refused before it trains."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from vifi_cli import finetune, prompt_tune
from vifi_cli.api.data import split_data
from vifi_cli.api.evaluation.request import subject_of
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.training.prepare import Resumption, find_data, prepare_run, resumed_run
from vifi_cli.api.training.request import training_request
from vifi_cli.data.leaks import find_leaks
from vifi_cli.data.loading import load_labeled_videos
from vifi_cli.data.paper_setting import SUPERVISED, Setting
from vifi_cli.data.source import DataSource
from vifi_cli.data.splits.plan import SplitPlan
from vifi_cli.data.splits.random_splits import USUAL_SEED
from vifi_cli.errors import InvalidInput


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """A table of UCF-101's names: five scenes of each class, some of them in training and in test."""
    lines = ["path,label,split"]
    for label in ("Dive", "Swing"):
        for scene in range(1, 6):
            for clip in range(1, 4):
                path = tmp_path / label / f"v_{label}_g{scene:02}_c{clip:02}.avi"
                path.parent.mkdir(exist_ok=True)
                path.write_text(path.name)
                lines.append(f"{label}/{path.name},{label},{'test' if clip == 3 else 'train'}")
    (tmp_path / "table.csv").write_text("\n".join(lines))
    return tmp_path / "table.csv"


@pytest.mark.parametrize("train", [finetune, prompt_tune])
def test_a_split_whose_test_shows_scenes_of_training_is_refused_with_the_command_that_draws_another(
    scenes: Path, starter: None, train: object
) -> None:
    command = r"`vifi data split \S+/table.csv --val 0.2 --test 0.2 -o table-apart.csv`"
    with pytest.raises(
        InvalidInput, match=f"20 training videos .* such as v_Dive_g01_c01.avi and .*{command}"
    ):
        train(scenes, "starter", output=scenes.with_name("run"))  # type: ignore[operator]
    assert not scenes.with_name("run").exists()
    split_data(scenes, scenes.with_name("table-apart.csv"), SplitPlan(val=0.2, test=0.2))
    apart = load_labeled_videos(DataSource(str(scenes.with_name("table-apart.csv"))))
    assert (len(apart.train), len(apart.val), len(apart.test)) == (18, 6, 6)
    assert not find_leaks(apart)


def test_training_omits_copies_of_what_is_tested(scenes: Path) -> None:
    folder = scenes.parent
    table = folder / "copies.csv"
    shutil.copy(folder / "Dive" / "v_Dive_g01_c03.avi", folder / "Dive" / "copy.avi")
    rows = ["Dive/copy.avi,Dive,train", "Dive/v_Dive_g01_c03.avi,Dive,test"]
    rows += ["Dive/v_Dive_g02_c01.avi,Dive,train", "Swing/v_Swing_g01_c01.avi,Swing,train"]
    table.write_text("\n".join(["path,label,split", *rows]))
    found = find_data(DataSource(str(table)), SUPERVISED, USUAL_SEED, protocol="default")
    assert [video.path.name for video in found.train] == ["v_Dive_g02_c01.avi", "v_Swing_g01_c01.avi"]
    assert "1 of 3 training videos are also in val or test: vifi omits them" in found.remarks


def test_a_run_keeps_its_classes_when_it_resumes_and_is_tested(tmp_path: Path, starter: None) -> None:
    for name in ("run", "walk", "wave"):
        for number in range(5 * (name != "wave")):
            path = tmp_path / "data" / name / f"{number}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{name} {number}")
    (labels := tmp_path / "labels.txt").write_text("wave\nwalk\nrun\n")
    options = {"classes": "present", "output": tmp_path / "begun"}
    data = f"{tmp_path}/data,{labels}"
    begun = prepare_run(training_request(data, "starter", "finetune", options), AUTOMATIC)  # type: ignore[arg-type]
    assert begun.data.class_names == begun.config.classes == ("walk", "run")
    begun.folder.begin(begun.config)
    (tmp_path / "data/wave").mkdir()
    (tmp_path / "data/wave/1.mp4").write_text("has arrived since")
    resumed = resumed_run(begun.folder.path, Resumption(), AUTOMATIC)
    assert (resumed.data.class_names, resumed.data.train) == (("walk", "run"), begun.data.train)
    assert resumed.data.left_out == ("wave",)
    run = resumed.config
    tested = subject_of(Setting("supervised"), DataSource.parse(data), ["starter"], run)
    assert tested.data.classes == ("walk", "run")
    every = DataSource.parse(data)
    every = subject_of(Setting("supervised"), replace(every, classes=("all",)), ["starter"], run).data
    assert find_data(every, SUPERVISED, USUAL_SEED, protocol="default").class_names == ("wave", "walk", "run")
    other = subject_of(Setting("zero-shot"), DataSource.parse(str(tmp_path / "data")), ["starter"], run)
    assert other.data.classes == ()
