"""Folders are classes or splits, or what they are is asked; what is neither is left out."""

from pathlib import Path

import numpy as np
import pytest

from tests.data.conftest import SHARED, MakeFiles
from vifi_cli.data.formats.folders.class_folders import read_class_folders
from vifi_cli.data.formats.folders.layout import split_of_folder
from vifi_cli.data.formats.label_file import LabelFile
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
from vifi_cli.errors import InvalidInput
from vifi_cli.video.export.movie import write_mp4

RUN, WALK = ("run", "walk")


def classes_of(videos: LabeledVideos, split: tuple[LabeledVideo, ...]) -> dict[str, str]:
    return {video.path.stem: videos.class_names[video.label] for video in split}


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("TRAIN", "train"),
        ("Validation", "val"),
        ("videos_train", "train"),
        ("train_videos", "train"),
        ("train_256", "train"),
        ("TrainVideos", "train"),
        ("val2017", "val"),
        ("01-test", "test"),
        ("test_set", "test"),
        ("testset", "test"),
        ("train_val", "train"),
        ("rgb_frames_dev", "val"),
        ("val_test", None),
        ("training dogs", None),
        ("test tube", None),
        ("trainspotting", None),
        ("set", None),
        ("videos", None),
        ("256", None),
    ],
)
def test_splits_are_known_by_the_names_of_their_folders(name: str, split: str | None) -> None:
    assert split_of_folder(name) == split


@pytest.mark.parametrize(
    "layout",
    [
        "TRAIN/{}/1.mp4 dev/{}/2.mp4 Eval_set/{}/2b.mp4 TEST/{}/3.mp4",
        "videos_train/{}/1.mp4 videos_val/{}/2.mp4 videos_test/{}/3.mp4",
        "train_256/{}/1.mp4 val_256/{}/2.mp4 test_256/{}/3.mp4",
        "{}/train/1.mp4 {}/valid/2.mp4 {}/test/3.mp4",
        "{}/train_videos/a/1.mp4 {}/val_videos/b/2.mp4 {}/test_videos/c/3.mp4",
    ],
)
@pytest.mark.parametrize("names", [("run", "walk"), ("train", "bus")])
def test_splits_above_and_in_classes_are_used(
    tmp_path: Path, make_files: MakeFiles, layout: str, names: tuple[str, str]
) -> None:
    make_files(tmp_path, [one.format(name) for name in names for one in layout.split()])
    videos = read_class_folders(tmp_path)
    assert videos.class_names == tuple(sorted(names))
    for split, stem in ((videos.train, "1"), (videos.val, "2"), (videos.test, "3")):
        found = [(video.path.stem[0], videos.class_names[video.label]) for video in split]
        assert sorted(set(found)) == [(stem, name) for name in sorted(names)]


def test_only_some_classes_may_have_val(tmp_path: Path, make_files: MakeFiles) -> None:
    make_files(tmp_path, ["run/train/1.mp4", "run/val/2.mp4", "walk/train/3.mp4"])
    videos = read_class_folders(tmp_path)
    assert classes_of(videos, videos.train) == {"1": "run", "3": "walk"}
    assert classes_of(videos, videos.val) == {"2": "run"}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            "train/run/1.mp4 val/run/2.mp4 extra/run/3.mp4",
            r"splits \(train, val\) beside extra, or all of them are cl",
        ),
        ("run/1.mp4 walk/2.mp4 test/3.mp4", r"splits \(test\) beside run, walk, or all of them are classes"),
        ("run/1.mp4 walk/2.mp4 train/run/3.mp4", r"splits \(train\) beside run, walk"),
        ("train/run/1.mp4 train/walk/2.mp4 more/3.mp4", r"splits \(train\) beside more"),
        ("train/1.mp4 test/2.mp4", r"the splits test, train have no class folders"),
        (
            "run_train/1.mp4 run_test/2.mp4 walk_train/3.mp4",
            "run_test and run_train look like splits of one class",
        ),
        ("TestRun/1.mp4 TrainRun/2.mp4", "TestRun and TrainRun look like splits of one class"),
        ("run/train/1.mp4 run/val/2.mp4 walk/3.mp4", r"splits \(run/train, run/val\) beside walk"),
        ("run/1.mp4 run/test/2.mp4 walk/3.mp4", r"splits \(run/test\) beside run, walk"),
        (
            "train/train/1.mp4 train/test/2.mp4 test/train/3.mp4 test/test/4.mp4",
            "SPLIT/CLASS/VIDEO and as CLASS/SPL",
        ),
    ],
)
def test_half_a_split_layout_is_refused_with_both_readings(
    tmp_path: Path, make_files: MakeFiles, files: str, said: str
) -> None:
    make_files(tmp_path, files.split())
    with pytest.raises(InvalidInput, match=said) as raised:
        read_class_folders(tmp_path)
    assert str(tmp_path) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("files", "names", "expected"),
    [
        ("run/1.mp4 test/2.mp4", ("run", "test"), {"1": "run", "2": "test"}),
        ("train/1.mp4 test/2.mp4", ("test", "train"), {"1": "train", "2": "test"}),
        ("train/a/1.mp4 train/b/2.mp4 bus/a/3.mp4", ("bus", "train"), {"1": "train", "2": "train", "3": "bus"}),
        ("a/run/1.mp4 a/walk/2.mp4 b/fly/3.mp4", ("run", "walk", "fly"), {"1": "run", "2": "walk", "3": "fly"}),
        ("body/run/1.mp4 hand/wave/3.mp4", ("hand/wave", "body/run"), {"1": "body/run", "3": "hand/wave"}),
        ("Shoot_Bow/1.mp4 pull-ups/2.mp4", ("shoot bow", "PullUps"), {"1": "shoot bow", "2": "PullUps"}),
    ],
)  # fmt: skip
def test_a_label_file_says_which_folders_are_classes(
    tmp_path: Path, make_files: MakeFiles, files: str, names: tuple[str, ...], expected: dict[str, str]
) -> None:
    make_files(tmp_path, files.split())
    videos = read_class_folders(tmp_path, LabelFile(names))
    assert videos.class_names == names
    assert classes_of(videos, videos.train) == expected


def test_with_a_label_file_half_a_split_layout_is_refused_too(tmp_path: Path, make_files: MakeFiles) -> None:
    make_files(tmp_path, ["train/run/1.mp4", "test/run/2.mp4", "walk/3.mp4"])
    with pytest.raises(InvalidInput, match=r"splits \(test, train\) beside walk"):
        read_class_folders(tmp_path, LabelFile(("run", "walk")))


def test_a_path_below_two_classes_of_a_label_file_is_refused(tmp_path: Path, make_files: MakeFiles) -> None:
    make_files(tmp_path, ["x/run/walk/1.mp4", "x/run/2.mp4"])
    with pytest.raises(InvalidInput, match="folders of the classes 'run' and 'walk'"):
        read_class_folders(tmp_path, LabelFile(("run", "walk")))


def test_a_vehicle_may_be_called_train_and_that_is_reported(tmp_path: Path, make_files: MakeFiles) -> None:
    make_files(tmp_path, ["train/1.mp4", "bus/2.mp4"])
    videos = read_class_folders(tmp_path)
    assert classes_of(videos, videos.train) == {"1": "train", "2": "bus"}
    assert videos.remarks == ("train is read as a class, not as a split",)


@pytest.mark.parametrize("layout", ["{}", "train/{}"])
def test_folders_without_videos_are_no_classes(tmp_path: Path, make_files: MakeFiles, layout: str) -> None:
    for name in ("fly", "annotations"):
        (tmp_path / layout.format(name)).mkdir(parents=True)
    make_files(tmp_path, [f"{layout.format(name)}/1.mp4" for name in (RUN, WALK)])
    strange = (
        "annotations/classes.txt",
        "__MACOSX/run/._1.mp4",
        ".ipynb_checkpoints/1.mp4",
        "@eaDir/run/1.mp4",
    )
    make_files(tmp_path, [*strange, f"{layout.format(RUN)}/@eaDir/2.mp4"])
    videos = read_class_folders(tmp_path)
    assert (videos.class_names, len(videos.train)) == ((RUN, WALK), 2)
    left_out = "annotations, fly" if layout == "{}" else "annotations"
    assert [remark.rpartition(": ")[2] for remark in videos.remarks] == [left_out]
    named = read_class_folders(tmp_path, LabelFile(("fly", RUN, WALK)))
    assert [count.train for count in named.counts()] == [0, 1, 1]


@pytest.mark.parametrize(
    ("labels", "folders", "expected"),
    [
        (LabelFile((RUN, WALK), 0), ("0", "1"), {"0": RUN, "1": WALK}),
        (LabelFile((RUN, WALK), 1), ("1", "2"), {"1": RUN, "2": WALK}),
        (LabelFile((RUN, WALK)), ("0", "1"), {"0": RUN, "1": WALK}),
        (LabelFile((RUN, WALK)), ("01", "02"), {"01": RUN, "02": WALK}),
        (LabelFile(("0", "1")), ("0", "1"), {"0": "0", "1": "1"}),
    ],
)
def test_numeric_folders_are_ids_of_a_label_file(
    tmp_path: Path,
    make_files: MakeFiles,
    labels: LabelFile,
    folders: tuple[str, ...],
    expected: dict[str, str],
) -> None:
    make_files(tmp_path, [f"{name}/{name}.mp4" for name in folders])
    videos = read_class_folders(tmp_path, labels)
    assert classes_of(videos, videos.train) == expected
    with pytest.raises(InvalidInput, match=r"folders are numbers; name the classes as in .*,labels\.csv"):
        read_class_folders(tmp_path)


def test_numeric_folders_that_may_count_from_0_or_1_are_refused(
    tmp_path: Path, make_files: MakeFiles
) -> None:
    make_files(tmp_path, ["1/1.mp4", "2/2.mp4"])
    with pytest.raises(InvalidInput, match="numbered from 0 or from 1"):
        read_class_folders(tmp_path, LabelFile((RUN, WALK, "wave")))
    with pytest.raises(InvalidInput, match="no class '2'"):
        read_class_folders(tmp_path, LabelFile((RUN, WALK), 0))


def test_a_folder_too_high_or_with_deeper_classes_is_reported(tmp_path: Path, make_files: MakeFiles) -> None:
    make_files(tmp_path, ["clips/run/1.mp4", "clips/walk/2.mp4"])
    with pytest.raises(
        InvalidInput, match=r"only one class folder, clips, with run, walk in it: .*name .*/clips$"
    ):
        read_class_folders(tmp_path)
    make_files(tmp_path, ["hands/wave/3.mp4"])
    (remark,) = read_class_folders(tmp_path).remarks
    assert remark.startswith(
        "the classes are the 2 upper folders; if they are the 3 folders in them, such as clips/run"
    )
    make_files(tmp_path, ["hands/run/4.mp4"])  # some sessions of both classes
    assert read_class_folders(tmp_path).remarks == ()


@pytest.mark.parametrize(("inside", "remarks"), [("run walk", 1), ("day night", 1), ("s1 s2", 0), ("run", 0)])
def test_folders_of_which_each_has_the_same_ones_are_reported(
    tmp_path: Path, make_files: MakeFiles, inside: str, remarks: int
) -> None:
    make_files(tmp_path, [f"{top}/{sub}/1.mp4" for top in ("seen", "unseen") for sub in inside.split()])
    videos = read_class_folders(tmp_path)
    assert (videos.class_names, len(videos.remarks)) == (("seen", "unseen"), remarks)


def test_what_vifi_made_in_the_data_is_left_out(tmp_path: Path, make_files: MakeFiles) -> None:
    own = ["runs/a/config.toml", "runs/a/best/1.mp4", "reports/b/report.json", "reports/b/1.mp4"]
    home = ["home/index/catalog.sqlite3", "home/demo/dog.mp4", "home/cache/1.mp4"]
    cut = ["clips/01-dog-0m04s.mp4", "clips/02-dog-1h02m10s.mp4", "attention/dog.mp4", "attention/dog.png"]
    make_files(tmp_path, [*own, *home, *cut, "run/1.mp4", "walk/2.mp4", "index-export/vectors.npz"])
    (tmp_path / "films").mkdir()
    write_mp4(tmp_path / "films/dog.mp4", [(0.0, np.zeros((32, 32, 3), np.uint8))], 5)
    (tmp_path / "films/dog.png").touch()
    videos = read_class_folders(tmp_path)
    assert classes_of(videos, videos.train) == {"1": RUN, "2": WALK}
    assert videos.remarks == (
        "left out 4 videos that vifi made, in attention, clips, films",
        "left out 1 folder without videos in class folders: index-export",
    )
    make_files(tmp_path, ["clips/other.mp4", "posters/1.mp4", "posters/1.png"])
    assert read_class_folders(tmp_path).class_names == ("clips", "posters", RUN, WALK)


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("train-dev-test", (6, 6, 6)),
        ("class-then-split", (6, 6, 0)),
        ("splits-beside-annotations", (4, 4, 4)),
        ("in-the-data-folder", (6, 0, 0)),
    ],
)
def test_data_as_people_have_it(name: str, sizes: tuple[int, int, int]) -> None:
    if not (SHARED / "data_wild").is_dir():
        pytest.skip("../shared/data_wild is missing")
    videos = read_class_folders(SHARED / "data_wild" / name)
    assert videos.class_names == ("bend", "jack")
    assert (len(videos.train), len(videos.val), len(videos.test)) == sizes


@pytest.mark.parametrize(
    "files",
    [
        ["ann/run/1.mp4", "ann/walk/2.mp4", "ben/run/3.mp4", "ben/walk/4.mp4"],
        [
            "train/ann/run/1.mp4",
            "train/ann/walk/2.mp4",
            "train/ben/run/3.mp4",
            "test/ben/walk/4.mp4",
            "test/ann/walk/5.mp4",
        ],
        ["ann/run/1.mp4", "ann/walk/2.mp4", "ben/run/3.mp4", "ben/walk/4.mp4", "stray/5.mp4"],
    ],
)
def test_folders_of_persons_above_the_classes_are_reported(
    tmp_path: Path, make_files: MakeFiles, files: list[str]
) -> None:
    make_files(tmp_path, files)
    (remark,) = (each for each in read_class_folders(tmp_path).remarks if "upper folders" in each)
    assert "if they are the 2 folders in them, such as ann/run" in remark


def test_folders_of_sessions_below_the_classes_are_taken_for_granted(
    tmp_path: Path, make_files: MakeFiles
) -> None:
    make_files(
        tmp_path, [f"{name}/session{number}/{name}.mp4" for name in ("run", "walk") for number in (1, 2)]
    )
    assert read_class_folders(tmp_path).remarks == ()
