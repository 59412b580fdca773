"""What a refused test advises: commands that a shell and vifi read, with the user's own values."""

import shlex
from pathlib import Path

import pytest

from tests.advised_commands import commands_in, parsed
from vifi_cli.api.evaluation.leaks.advice import how_to_avoid
from vifi_cli.api.evaluation.leaks.leaks import TrainedOn
from vifi_cli.api.evaluation.plan import TestPlan as Plan
from vifi_cli.api.evaluation.request import subject_of
from vifi_cli.data.paper_setting import Setting
from vifi_cli.data.source import DataSource
from vifi_cli.training.recipe.recipe import Protocol


def advice(
    setting: str, data: DataSource, base: str = "starter", protocol: Protocol = "default"
) -> list[str]:
    """The advised commands where the model `starter`, trained from `base`, gives tests away."""
    subject = subject_of(Setting.parse(setting), data, ["starter"], protocol=protocol)
    plan = Plan(subject, (), (), (), {"starter": TrainedOn(base)}, {})
    return commands_in(how_to_avoid(plan, "starter"))


def data_of(values: dict[str, object]) -> object:
    """The one set that a command names; `vifi eval` takes several."""
    data = values["data"]
    return data[0] if isinstance(data, list) and len(data) == 1 else data


def test_base_to_novel_of_a_public_set_is_trained_and_tested_by_these() -> None:
    train, compare = advice("base2novel", DataSource("ucf101"))
    assert train == "vifi finetune --data ucf101 --setting base2novel --model starter"
    assert compare == "vifi eval --train --setting base2novel --data ucf101 --model starter"


def test_zero_shot_names_the_model_before_training_and_the_held_out_test() -> None:
    before, held_out = advice("zero-shot", DataSource("hmdb51", 2), base="ViT-B-16")
    assert before == "vifi eval --setting zero-shot --data hmdb51:2 --model ViT-B-16"
    assert held_out == "vifi eval --setting supervised --data hmdb51:2 --model starter"


@pytest.mark.parametrize("setting", ["base2novel", "few-shot", "few-shot-4", "zero-shot", "supervised"])
@pytest.mark.parametrize("protocol", ["default", "paper"])
def test_every_command_has_the_users_values(
    setting: str, protocol: Protocol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIFI_DATA", raising=False)
    folder = tmp_path / "Anna's clips; $HOME"
    folder.mkdir()
    data = DataSource(
        str(folder / "clips.csv"), labels=folder / "labels.csv", root=folder, classes=("run", "long jump")
    )
    commands = advice(setting, data, protocol=protocol)
    assert len(commands) == 2
    for command in commands:
        values = parsed(command)
        assert data_of(values) == "Anna's clips; $HOME/clips.csv,Anna's clips; $HOME/labels.csv"
        assert values["classes"] == "run,long jump"
        assert values["data_root"] == Path("Anna's clips; $HOME")
        assert (values["protocol"] or "default") == protocol
        read = Setting.parse(str(values["setting"]))
        assert read.name == (Setting.parse(setting).name if read.name != "supervised" else "supervised")
        if shlex.split(command)[1] == "finetune" and read.name == "few-shot":
            assert read.shots in (4, 16), "training needs their number"


@pytest.mark.parametrize("classes", [("Yes, no", "run"), tuple(f"class {n}" for n in range(21))])
def test_classes_that_do_not_fit_in_a_command_are_left_to_the_user(classes: tuple[str, ...]) -> None:
    subject = subject_of(Setting("base2novel"), DataSource("ucf101", classes=classes), ["starter"])
    plan = Plan(subject, (), (), (), {"starter": TrainedOn("starter")}, {})
    text = how_to_avoid(plan, "starter")
    assert text.count("` with your --classes") == len(commands_in(text)) == 2
    assert not any("--classes" in command for command in commands_in(text))


def test_a_layer_of_annotations_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for command in advice("base2novel", DataSource(str(tmp_path / "session.eaf"), layer="Action, left")):
        assert data_of(parsed(command)) == "session.eaf:Action, left"


def test_lists_that_give_themselves_away_are_split_again() -> None:
    subject = subject_of(Setting("supervised"), DataSource("my clips.csv"), ["starter"])
    (command,) = commands_in(how_to_avoid(Plan(subject, (), (), (), {}, {}), ""))
    assert command.startswith("vifi data split ")
    assert parsed(command)["output_file"] == Path("my clips-apart.csv")
