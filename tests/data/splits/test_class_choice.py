"""`--classes` takes a part of the classes, in the order of the set, and says which part it is."""

import json
from pathlib import Path

import pytest

from tests.data.conftest import MakeFiles
from vifi_cli.api.data import check_data, split_data
from vifi_cli.data.class_names import class_names_of
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
from vifi_cli.data.loading import load_labeled_videos, read_labeled_videos, read_own_splits
from vifi_cli.data.paper_setting import Setting
from vifi_cli.data.public_datasets.datasets import PUBLIC_SETS
from vifi_cli.data.source import DataSource
from vifi_cli.data.splits.class_choice import choice_in_words, only_classes, read_class_choice
from vifi_cli.errors import InvalidInput

PRESENT = ("present",)


@pytest.fixture
def ucf101(tmp_path: Path, make_files: MakeFiles) -> Path:
    """A root with the first split's lists of all classes, and the videos of three of them."""
    names = [name.replace(" ", "") for name in class_names_of("ucf101")]
    train = [f"{name}/v_{name}_g0{n}_c01.avi {label}" for label, name in enumerate(names, 1) for n in (1, 2)]
    test = [f"{name}/v_{name}_g09_c01.avi" for name in names]
    (lists := tmp_path / "ucfTrainTestlist").mkdir()
    (lists / "trainlist01.txt").write_text("\n".join(train))
    (lists / "testlist01.txt").write_text("\n".join(test))
    files = [line.split()[0] for line in (*train, *test)]
    make_files(
        tmp_path / "UCF-101", [file for file in files if file.startswith(("Diving/", "Archery/", "YoYo/"))]
    )
    return tmp_path


def test_present_classes_of_a_part_of_a_public_set_can_be_trained_on(ucf101: Path) -> None:
    source = DataSource("ucf101", root=ucf101)
    with pytest.raises(InvalidInput, match=r"no training video of .* --classes present"):
        load_labeled_videos(source)
    videos = load_labeled_videos(DataSource("ucf101", root=ucf101, classes=PRESENT))
    assert videos.class_names == ("Archery", "Diving", "YoYo")
    assert [video.path.parent.name for video in videos.train] == ["Archery"] * 2 + ["Diving"] * 2 + [
        "YoYo"
    ] * 2
    assert [video.label for video in videos.test] == [0, 1, 2]
    assert (videos.missing, len(videos.left_out)) == ((), 98)
    assert videos.class_part == "3 classes, 98 left out"
    assert "3 classes, 98 left out: those with videos here" in videos.remarks


def test_a_missing_file_of_a_public_set_is_not_taken_from_another_class(ucf101: Path) -> None:
    (ucf101 / "UCF-101/Archery/v_Archery_g01_c01.avi").rename(ucf101 / "UCF-101/Diving/v_Archery_g01_c01.avi")
    videos = read_labeled_videos(DataSource("ucf101", root=ucf101, classes=PRESENT))
    assert videos.missing == ("Archery/v_Archery_g01_c01.avi",)
    (ucf101 / "all").mkdir()
    (ucf101 / "UCF-101/Diving/v_Archery_g01_c01.avi").rename(ucf101 / "all/v_Archery_g01_c01.mp4")
    assert read_labeled_videos(DataSource("ucf101", root=ucf101, classes=PRESENT)).missing == ()


def test_named_classes_keep_the_order_of_the_set_and_their_missing_videos(ucf101: Path) -> None:
    source = DataSource("ucf101", root=ucf101, classes=("yo yo", "apply_eye_makeup", "Diving"))
    videos = read_labeled_videos(source)
    assert videos.class_names == ("ApplyEyeMakeup", "Diving", "YoYo")
    assert len(videos.missing) == 3
    assert all("ApplyEyeMakeup" in file for file in videos.missing)
    assert videos.remarks[0] == "3 of 9 listed videos are not on disk"


def test_a_part_is_taken_of_base_and_novel_classes(ucf101: Path) -> None:
    base, novel = (
        read_labeled_videos(DataSource("ucf101", root=ucf101, classes=PRESENT), Setting.parse(name))
        for name in ("base2novel", "novel")
    )
    assert sorted(base.class_names + novel.class_names) == ["Archery", "Diving", "YoYo"]
    named = DataSource("ucf101", root=ucf101, classes=("Diving", "Archery", "YoYo"))
    assert read_labeled_videos(named, Setting("base2novel")).class_names == base.class_names
    strange = DataSource("ucf101", root=ucf101, classes=("Divin", "Archery"))
    with pytest.raises(InvalidInput, match="no class 'Divin'; did you mean 'Diving'"):
        read_labeled_videos(strange, Setting("base2novel"))


def test_the_check_sees_the_chosen_classes_only(ucf101: Path) -> None:
    found = check_data("ucf101", data_root=ucf101, classes="present", decode=False)
    assert (found.findings(), found.is_fine) == ((), True)
    every = check_data("ucf101", data_root=ucf101, decode=False)
    assert {finding.kind for finding in every.findings()} == {"missing", "empty class"}


def test_own_data_is_split_after_the_choice(tmp_path: Path, make_files: MakeFiles) -> None:
    make_files(
        tmp_path, [f"data/{name}/{number}.mp4" for name in ("run", "walk", "wave") for number in range(5)]
    )
    source = DataSource(str(tmp_path / "data"), classes=("walk", "run"))
    videos = load_labeled_videos(source)
    assert (videos.class_names, len(videos.train), len(videos.val)) == (("run", "walk"), 8, 2)
    made = split_data(tmp_path / "data", tmp_path / "t.csv", classes=["run", "wave"])
    assert "walk" not in (tmp_path / "t.csv").read_text()
    assert [count.name for count in made.counts()] == ["run", "wave"]
    with pytest.raises(InvalidInput, match="only one class, 'run', with --classes: name more classes"):
        load_labeled_videos(DataSource(str(tmp_path / "data"), classes=("run",)))


def test_of_videos_with_several_classes_the_chosen_ones_remain() -> None:
    several = LabeledVideo(Path("a.mp4"), 0, more_labels=(2, 1))
    videos = LabeledVideos("set", ("bend", "jump", "stand"), (several, LabeledVideo(Path("b.mp4"), 1)))
    part = only_classes(videos, ("stand", "jump"))
    assert part.class_names == ("jump", "stand")
    assert [video.labels for video in part.train] == [(1, 0), (0,)]


def test_splits_keep_several_classes_in_json_lines_alone(tmp_path: Path, make_files: MakeFiles) -> None:
    make_files(tmp_path, [f"{number}.mp4" for number in range(6)])
    rows = [{"path": f"{n}.mp4", "label": ["stand", "bend"] if n % 2 else "bend"} for n in range(6)]
    (table := tmp_path / "table.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(InvalidInput, match="several classes: write a"):
        split_data(table, tmp_path / "split.csv")
    split_data(table, tmp_path / "split.jsonl")
    labels = {video.path.name: video.labels for video in read_own_splits(DataSource(str(table))).all_videos()}
    made = read_own_splits(DataSource(str(tmp_path / "split.jsonl")))
    assert {video.path.name: video.labels for video in made.all_videos()} == labels
    assert (len(made.train), len(made.val), len(made.test)) == (2, 2, 2)
    assert labels["1.mp4"] == (1, 0)


@pytest.mark.parametrize("choice", [(), ("all",), ("bend", "jump")])
def test_all_classes_are_no_part(choice: tuple[str, ...]) -> None:
    videos = LabeledVideos("set", ("bend", "jump"), (LabeledVideo(Path("a.mp4"), 0),))
    assert only_classes(videos, choice) == videos
    assert videos.class_part == ""


def test_a_choice_is_read_from_a_list_or_a_file(tmp_path: Path) -> None:
    (names := tmp_path / "names.csv").write_text("id,name\n0,run\n1,wave, both hands\n")
    assert read_class_choice(str(names)) == ("run", "wave, both hands")
    assert read_class_choice("run, walk,") == ("run", "walk")
    assert read_class_choice(["wave, both hands", "run"]) == ("wave, both hands", "run")
    assert (read_class_choice(None), read_class_choice("present")) == ((), PRESENT)
    with pytest.raises(InvalidInput, match="--classes names no class"):
        read_class_choice(" , ")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("run|", "walk"), ""),
        (
            ("bending down", "Bending Down"),
            "the classes 'Bending Down' and 'bending down', which are read alike",
        ),
        (("shoot_bow", "shoot bow"), "which are read alike"),
        (("run\x07", "walk"), "is not plain text"),
        (("run",), "only one class, 'run': add videos of at least two classes"),
    ],
)
def test_the_check_finds_what_training_refuses(
    tmp_path: Path, make_files: MakeFiles, names: tuple[str, ...], said: str
) -> None:
    make_files(tmp_path, [f"{name}/{number}.mp4" for name in names for number in range(2)])
    found = check_data(tmp_path, decode=False)
    details = [finding.subject for finding in found.findings() if finding.kind == "refused"]
    assert bool(details) == bool(said) == (not found.is_fine)
    if said:
        assert said in details[0]
        with pytest.raises(InvalidInput) as raised:
            load_labeled_videos(DataSource(str(tmp_path)))
        assert str(raised.value) == details[0]


@pytest.mark.parametrize("name", ["ucf101", "hmdb51", "k400", "k600", "ssv2"])
def test_no_two_classes_of_a_public_set_are_read_alike(name: str) -> None:
    assert name in PUBLIC_SETS
    videos = LabeledVideos(name, class_names_of(name), (LabeledVideo(Path("a.mp4"), 0),))
    assert only_classes(videos, PRESENT).class_names == class_names_of(name)[:1]
    assert len({name.replace("_", " ").casefold() for name in class_names_of(name)}) == len(
        class_names_of(name)
    )


def test_a_choice_in_words() -> None:
    choices: list[tuple[str, ...]] = [(), ("all",), ("present",), ("run", "walk")]
    assert list(map(choice_in_words, choices)) == ["", "", "classes present", "2 classes"]
