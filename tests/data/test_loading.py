"""Folders, tables and list files become labeled videos; what is wrong with them is one line."""

import json
import os
import re
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.data.conftest import MakeFiles
from tests.test_paths import require_both_forms
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, digest_of_list, restrict_to_classes
from vifi_cli.data.leaks import find_leaks, without_leaks
from vifi_cli.data.loading import load_labeled_videos, read_labeled_videos, read_own_splits
from vifi_cli.data.paper_setting import Setting
from vifi_cli.data.source import DataSource
from vifi_cli.data.splits.holding_out import GroupsTooFew, how_to_hold_out
from vifi_cli.data.splits.plan import SplitPlan, split_videos, write_splits
from vifi_cli.errors import InvalidInput
from vifi_cli.video.files.digests import equal_files

TABLE = "path,label,split\na/1.mp4,run,train\na/2.mp4,walk,train\na/3.mp4,run,val\na/4.mp4,walk,test\n"


@pytest.fixture
def table(tmp_path: Path, make_files: MakeFiles) -> Path:
    make_files(tmp_path, (f"a/{number}.mp4" for number in range(1, 7)))
    (tmp_path / "table.csv").write_text(TABLE)
    return tmp_path / "table.csv"


def labels_of(videos: tuple[LabeledVideo, ...]) -> dict[str, int]:
    return {video.path.name: video.label for video in videos}


def test_a_table_with_splits(table: Path) -> None:
    videos = load_labeled_videos(DataSource(str(table)))
    assert videos.class_names == ("run", "walk")
    assert labels_of(videos.train) == {"1.mp4": 0, "2.mp4": 1}
    assert labels_of(videos.val) == {"3.mp4": 0}
    assert labels_of(videos.test) == {"4.mp4": 1}
    assert videos.train[0].path == table.parent / "a/1.mp4"


def test_byte_order_marks_line_ends_blank_lines_and_spellings_do_not_matter(table: Path) -> None:
    expected = load_labeled_videos(DataSource(str(table)))
    text = "\ufeff" + TABLE.replace("path,label", "Path, Label").replace("val\n", "Validation\n\n,,\n")
    table.write_text(text.replace("\n", "\r\n"), newline="", encoding="utf-8")
    assert load_labeled_videos(DataSource(str(table))) == expected


def test_json_lines_and_numbers_with_a_label_file(table: Path) -> None:
    names = table.with_name("names.csv")
    names.write_bytes(b'\xef\xbb\xbfid,name\r\n1,"wave, both hands"\r\n0,run\r\n')
    lines = [
        {"path": "a/1.mp4", "label": 0},
        {"path": str(table.parent / "a/2.mp4"), "label": "wave, both hands"},
    ]
    lines += [{"path": f"a/{number}.mp4", "label": number % 2} for number in (3, 4, 5, 6)]
    file = table.with_suffix(".jsonl")
    file.write_text("\n\n".join(json.dumps(line) for line in lines))
    videos = read_labeled_videos(DataSource(str(file), labels=names), Setting("zero-shot"))
    assert videos.class_names == ("run", "wave, both hands")
    assert list(labels_of(videos.test).values()) == [0, 1, 1, 0, 1, 0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("path,labels\na/1.mp4,run\n", "unknown column 'labels'"),
        ("path\na/1.mp4\n", "no column 'label'"),
        ("a/1.mp4,a/1.mp4\n", "no header: write one into its first line, such as path,label,"),
        ("path,label\n", "lists no video"),
        ("", "no column 'path'"),
        ("path,label\na/1.mp4,run\na/2.mp4\n", "line 3 has 1 cells"),
        ("path,label\na/1.mp4,\n", "line 2 has no label"),
        ("path,label,split\na/1.mp4,run,\n", "line 2: split ''"),
        ("path,label,split\na/1.mp4,run,later\n", "line 2: split 'later'"),
        ("path,label\na/1.mp4,run\na/2.mp4,run\n", "only one class, 'run'"),
        ("path,label\na/1.mp4,0\na/2.mp4,1\n", ",labels.csv"),
        ("path,label\na/1.mp4,run\na/1.mp4,walk\n", "a/1.mp4 is labeled 'run' and 'walk'"),
        ("path,label,split\na/1.mp4,run,val\na/2.mp4,walk,val\n", "no training video"),
        ("path,label,split\na/1.mp4,run,train\na/2.mp4,walk,val\n", "no training video of 'walk'"),
        ("path,label\nb/1.mp4,run\nb/2.mp4,walk\n", "none of its 2 videos is on disk"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(table: Path, content: str, said: str) -> None:
    table.write_text(content)
    with pytest.raises(InvalidInput) as raised:
        load_labeled_videos(DataSource(str(table)))
    assert said in str(raised.value)
    assert str(table) in str(raised.value)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("id,name\n0,run\n1,run\n", "classes 0 and 1 are both called 'run'"),
        ("id,name\n0,run\n2,walk\n", "none with id 1"),
        ("id,name\n0,run\n0,walk\n", "line 3: id 0 is given twice"),
        ("id,name\nrun\n", "line 2"),
        ("id,name\n", "names no class"),
        ("id,name\n0,jump\n1,fly\n", "line 2: the label file has no class 'run'"),
    ],
)
def test_what_is_wrong_with_a_label_file_is_said(table: Path, names: str, said: str) -> None:
    file = table.with_name("names.csv")
    file.write_text(names)
    with pytest.raises(InvalidInput, match=said.replace("(", r"\(")):
        load_labeled_videos(DataSource(str(table), labels=file))


def test_a_label_out_of_range_is_told_by_its_line(table: Path) -> None:
    (names := table.with_name("names.txt")).write_text("run\nwalk\n")
    table.write_text("path,label\na/1.mp4,0\na/2.mp4,2\n")
    with pytest.raises(InvalidInput, match="line 3: label 2 is out of the range 0 to 1"):
        load_labeled_videos(DataSource(str(table), labels=names))


def test_a_file_that_is_no_text_is_told(table: Path) -> None:
    table.write_bytes(b"path,label\n\xff\xfe,run\n")
    with pytest.raises(InvalidInput, match="UTF-8"):
        load_labeled_videos(DataSource(str(table)))


def test_lines_that_repeat_count_once_and_missing_files_are_named(table: Path) -> None:
    table.write_text("path,label\na/1.mp4,run\na/1.mp4,run\na/2.mp4,walk\nb.mp4,walk\n")
    videos = read_labeled_videos(DataSource(str(table)), Setting("zero-shot"))
    assert len(videos.test) == 2
    assert videos.missing == ("b.mp4",)
    assert videos.remarks == ("1 of 3 listed videos are not on disk", "1 lines repeat another and count once")


def test_without_val_a_fifth_of_each_class_is_held_out_and_said(
    tmp_path: Path, make_files: MakeFiles
) -> None:
    make_files(tmp_path, (f"{name}/{number}.mp4" for name in ("run", "walk") for number in range(10)))
    videos = load_labeled_videos(DataSource(str(tmp_path)), seed=3)
    assert (len(videos.train), len(videos.val)) == (16, 4)
    assert [video.label for video in videos.val] == [0, 0, 1, 1]
    assert videos.test == videos.val
    assert "4 of 20 videos are held out as both, seed 3" in videos.remarks[0]
    assert load_labeled_videos(DataSource(str(tmp_path)), seed=3) == videos
    assert load_labeled_videos(DataSource(str(tmp_path)), seed=4).val != videos.val


def test_of_two_videos_of_a_class_one_is_held_out(tmp_path: Path, make_files: MakeFiles) -> None:
    make_files(tmp_path, ["run/1.mp4", "run/2.mp4", "walk/1.mp4", "walk/2.mp4"])
    videos = load_labeled_videos(DataSource(str(tmp_path)))
    for split in (videos.train, videos.test):
        assert [video.label for video in split] == [0, 1]


def test_where_each_class_has_one_video_none_is_held_out_and_more_are_wanted(
    tmp_path: Path, make_files: MakeFiles
) -> None:
    make_files(tmp_path, ["run/1.mp4", "walk/1.mp4"])
    videos = load_labeled_videos(DataSource(str(tmp_path)))
    assert (len(videos.train), videos.val, videos.test) == (2, (), ())
    assert videos.remarks == ("no class has two videos to hold one out: nothing can be tested",)
    assert how_to_hold_out(videos) == "no class has two videos to hold one out, so add videos"


def test_a_test_split_alone_is_val_too_and_said(table: Path) -> None:
    table.write_text(TABLE.replace(",val", ",test"))
    videos = load_labeled_videos(DataSource(str(table)))
    assert videos.val == videos.test
    assert len(videos.train) == 2
    assert "no val split" in videos.remarks[0]


@pytest.mark.parametrize(
    ("layout", "beside"),
    [
        ("train/{label}/1.mp4 DEV/{label}/2.mp4 test/{label}/3.mp4", "annotations/notes.txt"),
        ("{label}/train/1.mp4 {label}/Eval/2.mp4 {label}/test/3.mp4", "annotations/notes.txt"),
        ("trainval/{label}/1.mp4 validation/{label}/2.mp4 testing/{label}/3.mp4", "4.mp4"),
    ],
)
def test_splits_above_and_in_class_folders_are_kept(
    tmp_path: Path, make_files: MakeFiles, layout: str, beside: str
) -> None:
    names = [name.format(label=label) for label in ("run", "walk") for name in layout.split()]
    make_files(tmp_path, [*names, beside])
    videos = load_labeled_videos(DataSource(str(tmp_path)))
    for split, name in ((videos.train, "1.mp4"), (videos.val, "2.mp4"), (videos.test, "3.mp4")):
        assert [(video.path.name, videos.class_names[video.label]) for video in split] == [
            (name, "run"), (name, "walk"),
        ]  # fmt: skip


@pytest.mark.parametrize(
    "names",
    [
        ["train/run/1.mp4", "test/run/2.mp4", "walk/3.mp4"],
        ["run/train/1.mp4", "run/test/2.mp4", "walk/3.mp4"],
        ["run/train/1.mp4", "run/test/2.mp4", "run/more/3.mp4"],
    ],
)
def test_folders_that_are_splits_only_in_part_are_refused(
    tmp_path: Path, make_files: MakeFiles, names: list[str]
) -> None:
    make_files(tmp_path, names)
    with pytest.raises(InvalidInput, match=r"splits .* beside"):
        load_labeled_videos(DataSource(str(tmp_path)))


def test_a_class_may_be_named_like_a_split(tmp_path: Path, make_files: MakeFiles) -> None:
    make_files(tmp_path, ["train/1.mp4", "train/2.mp4", "bus/train/1.mp4", "bus/2.mp4"])
    assert load_labeled_videos(DataSource(str(tmp_path))).class_names == ("bus", "train")


def test_class_folders_of_any_depth_and_split_folders(tmp_path: Path, make_files: MakeFiles) -> None:
    names = [
        "Train/run/x/1.mp4",
        "Train/walk/2.mp4",
        "valid/run/3.mp4",
        "Train/run/.4.mp4",
        "Train/run/notes.txt",
    ]
    make_files(tmp_path, [*names, "Train/5.mp4"])
    videos = load_labeled_videos(DataSource(str(tmp_path)))
    assert videos.class_names == ("run", "walk")
    assert labels_of(videos.train) == {"1.mp4": 0, "2.mp4": 1}
    assert labels_of(videos.val) == {"3.mp4": 0}
    assert videos.remarks[0] == "left out 1 video outside class folders"


def test_folders_of_links_keep_their_leak_and_loops_end(tmp_path: Path, make_files: MakeFiles) -> None:
    make_files(tmp_path, ("all/1.mp4", "all/2.mp4", "data/train/run/3.mp4", "data/val/walk/4.mp4"))
    (tmp_path / "data/train/walk").symlink_to(tmp_path / "all")
    (tmp_path / "data/val/run").symlink_to(tmp_path / "all")
    (tmp_path / "all/loop").symlink_to(tmp_path / "all")
    (tmp_path / "all/nowhere").symlink_to("nowhere")
    videos = read_labeled_videos(DataSource(str(tmp_path / "data")))
    assert (len(videos.train), len(videos.val)) == (3, 3)


def test_folders_without_videos_or_of_strange_classes_are_refused(
    tmp_path: Path, make_files: MakeFiles
) -> None:
    with pytest.raises(InvalidInput, match="CLASS/VIDEO"):
        load_labeled_videos(DataSource(str(tmp_path)))
    make_files(tmp_path, ("run/1.mp4", "fly/1.mp4"))
    (names := tmp_path / "names.txt").write_text("run\nwalk\n")
    with pytest.raises(InvalidInput, match="no class 'fly'"):
        load_labeled_videos(DataSource(str(tmp_path), labels=names))
    with pytest.raises(InvalidInput, match="ucf101, hmdb51"):
        load_labeled_videos(DataSource(str(tmp_path / "nothing")))


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the system lets this user read anything")
def test_a_class_folder_that_cannot_be_read_is_an_error(tmp_path: Path, make_files: MakeFiles) -> None:
    make_files(tmp_path, ("run/1.mp4", "walk/1.mp4"))
    (tmp_path / "walk").chmod(0)
    with pytest.raises(PermissionError):
        load_labeled_videos(DataSource(str(tmp_path)))


def test_list_files_find_their_videos_below_the_root(tmp_path: Path, make_files: MakeFiles) -> None:
    make_files(tmp_path / "videos", ("run/a b.avi", "walk/c[1].avi", "walk/d.mp4", "run/e.avi"))
    (lists := tmp_path / "lists").mkdir()
    (lists / "train.txt").write_bytes(b"a b.avi 0\r\n\r\nc[1].avi\t1\r\n")
    (lists / "val.txt").write_text("walk/d.avi 1\nE.avi 0\n")
    (names := tmp_path / "names.txt").write_text("run\nwalk\n")
    videos = load_labeled_videos(DataSource(str(lists), labels=names, root=tmp_path / "videos"))
    assert labels_of(videos.train) == {"a b.avi": 0, "c[1].avi": 1}
    assert labels_of(videos.val) == {"d.mp4": 1, "e.avi": 0}
    with pytest.raises(InvalidInput, match=r",labels\.csv"):
        load_labeled_videos(DataSource(str(lists), root=tmp_path / "videos"))
    one = read_labeled_videos(
        DataSource(str(lists / "val.txt"), labels=names, root=tmp_path / "videos"), Setting("zero-shot")
    )
    assert one.test == videos.val


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a.avi 2", "line 2: label 2 is out of the range 0 to 1"),
        ("a.avi", "line 2: 'a.avi' is not"),
    ],
)
def test_bad_lines_of_lists_are_told(tmp_path: Path, line: str, said: str) -> None:
    (names := tmp_path / "names.csv").write_text("0,run\n1,walk\n")
    (lists := tmp_path / "train.txt").write_text(f"\n{line}\n")
    with pytest.raises(InvalidInput, match=said):
        load_labeled_videos(DataSource(str(lists), labels=names))


def test_of_two_files_of_one_name_the_one_in_the_class_folder_is_meant(
    tmp_path: Path, make_files: MakeFiles
) -> None:
    make_files(tmp_path, ("v/Run/a.avi", "v/other/a.avi", "v/walk/b.avi"))
    (names := tmp_path / "names.txt").write_text("run\nwalk\n")
    (lists := tmp_path / "test.txt").write_text("a.avi 0\nb.avi 1\n")
    videos = read_labeled_videos(DataSource(str(lists), labels=names), Setting("zero-shot"))
    assert videos.test[0].path == tmp_path / "v/Run/a.avi"
    (tmp_path / "v/Run/a.avi").rename(tmp_path / "v/walk/a.avi")
    with pytest.raises(InvalidInput, match=r"could be .*other/a.avi or .*walk/a.avi"):
        read_labeled_videos(DataSource(str(lists), labels=names), Setting("zero-shot"))


def test_settings_drawn_from_own_data(tmp_path: Path, make_files: MakeFiles) -> None:
    sizes = {"a": 5, "b": 20, "c": 10}
    make_files(tmp_path, (f"{name}/{number}.mp4" for name, size in sizes.items() for number in range(size)))
    few = load_labeled_videos(DataSource(str(tmp_path)), Setting("few-shot", 4))
    assert [video.label for video in few.train] == [0] * 4 + [1] * 4 + [2] * 4
    base = load_labeled_videos(DataSource(str(tmp_path)), Setting("base2novel", 2))
    novel = read_labeled_videos(DataSource(str(tmp_path)), Setting("novel"))
    assert (base.class_names, novel.class_names) == (("b", "c"), ("a",))
    assert (len(base.train), len(base.val), len(novel.train), len(novel.test)) == (4, 6, 0, 5)
    assert len(load_labeled_videos(DataSource(str(tmp_path)), Setting("zero-shot")).test) == 35


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_person_is_learned_from_or_tested_in_base_and_novel_classes_alike(
    tmp_path: Path, make_files: MakeFiles, seed: int
) -> None:
    people, classes = ("ann", "ben", "cleo", "dan", "eve"), ("bend", "jump", "run", "walk")
    files = [f"{person}_{name}.mp4" for name in classes for person in people]
    make_files(tmp_path, files)
    rows = [f"{file},{file[:-4].partition('_')[2]},{file.partition('_')[0]}" for file in files]
    (tmp_path / "table.csv").write_text("\n".join(["path,label,group", *rows]))
    table = str(tmp_path / "table.csv")
    base = load_labeled_videos(DataSource(table), Setting("base2novel"), seed=seed)
    novel = load_labeled_videos(DataSource(table), Setting("novel"), seed=seed)
    learned, tested = ({video.group for video in videos} for videos in (base.train, base.test))
    assert len(learned) == 4
    assert {video.group for video in novel.test} == tested == set(people) - learned
    assert (len(base.train), len(base.test), len(novel.test)) == (8, 2, 2)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda data: (DataSource(data), Setting("few-shot")), "few-shot-2"),
        (lambda data: (DataSource(data), Setting("supervised", 2)), "does not go with"),
        (lambda data: (DataSource(data), Setting("few-shot", 0)), "1 video per class or more"),
        (lambda data: (DataSource(data), Setting.parse("linear")), "--setting linear: the settings are"),
        (lambda data: (DataSource(data, split=0), Setting()), "numbered from 1"),
    ],
)
def test_requests_that_make_no_sense_are_refused(
    table: Path, ask: Callable[[str], tuple[DataSource, Setting]], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        load_labeled_videos(*ask(str(table)))


def test_leaks_are_said_and_can_be_left_out(table: Path) -> None:
    table.write_text(TABLE + "a/1.mp4,run,val\na/5.mp4,run,train\n")
    videos = load_labeled_videos(DataSource(str(table)))
    assert "1 of 3 training videos are held out too" in videos.remarks[-1]
    clean = without_leaks(videos)
    assert labels_of(clean.train) == {"2.mp4": 1, "5.mp4": 0}
    assert without_leaks(clean) == clean


def test_restricting_to_classes_relabels() -> None:
    videos = LabeledVideos(
        "set", ("a", "b", "c"), tuple(LabeledVideo(Path(f"{n}.mp4"), n % 3) for n in range(6))
    )
    restricted = restrict_to_classes(videos, (2, 0))
    assert restricted.class_names == ("c", "a")
    assert [(video.path.stem, video.label) for video in restricted.train] == [
        ("0", 1),
        ("2", 0),
        ("3", 1),
        ("5", 0),
    ]


def test_groups_of_a_table_are_read_and_written(table: Path) -> None:
    lines = ["path,label,group", "a/1.mp4,run,ann", "a/2.mp4,walk,ann", "a/3.mp4,run,", "a/4.mp4,walk,ben"]
    table.write_text("\n".join(lines))
    videos = read_own_splits(DataSource(str(table)))
    assert [video.group for video in videos.train] == ["ann", "ann", "", "ben"]
    copy = table.with_name("copy.csv")
    write_splits(videos, copy)
    assert copy.read_text().splitlines()[:2] == ["path,label,split,group", "a/1.mp4,run,train,ann"]
    assert read_own_splits(DataSource(str(copy))).train == videos.train
    rows = [
        {"path": "a/1.mp4", "label": "run", "group": None},
        {"path": "a/2.mp4", "label": "walk", "group": 7},
    ]
    table.with_suffix(".jsonl").write_text("\n".join(map(json.dumps, rows)))
    read = read_own_splits(DataSource(str(table.with_suffix(".jsonl"))))
    assert [video.group for video in read.train] == ["", "7"]


def test_names_of_ucf101_tell_the_scene(tmp_path: Path, make_files: MakeFiles) -> None:
    make_files(tmp_path, ("Dive/v_Dive_g01_c02.avi", "Swing/v_Swing_g12_c01.avi", "Swing/dive_g01_c02.avi"))
    videos = read_own_splits(DataSource(str(tmp_path)))
    groups = {video.path.name: video.group for video in videos.train}
    assert groups["v_Dive_g01_c02.avi"] == "v_dive_g01"
    assert groups["v_Swing_g12_c01.avi"] == "v_swing_g12"
    assert groups["dive_g01_c02.avi"] == ""


def test_whole_groups_are_held_out_where_groups_are_known(tmp_path: Path, make_files: MakeFiles) -> None:
    people = ("ann", "ben", "cid", "dan", "eve")
    rows = [(f"{label}_{who}.mp4", label, who) for label in ("run", "walk") for who in people]
    make_files(tmp_path, (file for file, _, _ in rows))
    table = tmp_path / "people.csv"
    table.write_text("\n".join(["path,label,group", *map(",".join, rows)]))
    videos = load_labeled_videos(DataSource(str(table)))
    held_out = {video.group for video in videos.val}
    assert len(held_out) == 1
    assert len(videos.val) == 2
    assert held_out.isdisjoint(video.group for video in videos.train)
    assert videos.remarks == (
        "no val and no test split: 2 of 10 videos are held out as both, in complete groups, seed 1024",
    )


def test_videos_of_too_few_groups_are_refused_with_the_command_that_counts_each_as_its_own(
    tmp_path: Path, make_files: MakeFiles
) -> None:
    rows = [(f"{label}_{number}.mp4", label, label) for label in ("run", "walk") for number in range(5)]
    make_files(tmp_path, (file for file, _, _ in rows))
    table = tmp_path / "people.csv"
    table.write_text("\n".join(["path,label,group", *map(",".join, rows)]))
    with pytest.raises(GroupsTooFew, match=r"10 videos of .* show 2 scenes or persons, too few") as refusal:
        load_labeled_videos(DataSource(str(table)))
    pattern = re.search(r"vifi data split \S+ -o split.csv --group-by '(.*?)'", str(refusal.value))
    assert pattern
    apart = split_videos(read_own_splits(DataSource(str(table))), SplitPlan(group_by=pattern[1]))
    write_splits(apart, tmp_path / "split.csv")
    videos = load_labeled_videos(DataSource(str(tmp_path / "split.csv")))
    assert (len(videos.train), len(videos.val), len(videos.test)) == (6, 2, 2)
    assert not find_leaks(videos)


def test_classes_of_few_groups_keep_one_to_learn_from(tmp_path: Path, make_files: MakeFiles) -> None:
    """Of the first class one scene has almost all videos; whatever the seed, the other classes are held out whole."""
    scenes = [("dive", 1, 6), ("dive", 2, 1), ("swim", 3, 2), ("swim", 4, 2), ("run", 5, 3), ("run", 6, 1)]
    make_files(
        tmp_path, (f"{c}/v_{c}_g{scene:02}_c{n:02}.avi" for c, scene, count in scenes for n in range(count))
    )
    for seed in range(20):
        videos = load_labeled_videos(DataSource(str(tmp_path)), seed=seed)
        assert {video.label for video in videos.train} == {0, 1, 2}
        assert 2 <= len(videos.val) <= 5
        assert not find_leaks(videos)
    made = split_videos(read_own_splits(DataSource(str(tmp_path))), SplitPlan(test=0.2, val=0.0))
    assert made.test
    assert not find_leaks(made)


def test_copies_are_held_out_together(tmp_path: Path, make_files: MakeFiles) -> None:
    make_files(tmp_path, (f"{label}/{number}.mp4" for label in ("run", "walk") for number in range(5)))
    for label in ("run", "walk"):
        for number in range(5):
            shutil.copy(tmp_path / label / f"{number}.mp4", tmp_path / label / f"copy of {number}.mp4")
    for seed in range(10):
        videos = load_labeled_videos(DataSource(str(tmp_path)), seed=seed)
        assert (len(videos.train), len(videos.val)) == (16, 4)
        assert not find_leaks(videos, equal_files(video.path for video in videos.all_videos()))


def test_copies_in_several_groups_are_held_out_together(tmp_path: Path, make_files: MakeFiles) -> None:
    make_files(
        tmp_path,
        (f"{label}/v_{label}_g{group:02}_c01.mp4" for label in ("run", "walk") for group in range(10)),
    )
    for label in ("run", "walk"):
        for group in range(0, 10, 2):
            copied = tmp_path / label / f"v_{label}_g{group:02}_c01.mp4"
            shutil.copy(copied, tmp_path / label / f"v_{label}_g{group + 1:02}_c01.mp4")
    for seed in range(10):
        videos = load_labeled_videos(DataSource(str(tmp_path)), seed=seed)
        assert (len(videos.train), len(videos.val)) == (16, 4)
        assert not find_leaks(videos, equal_files(video.path for video in videos.all_videos()))


def test_the_digest_of_a_list_knows_files_labels_and_order_but_no_folders() -> None:
    names = ("run", "walk")
    videos = [LabeledVideo(Path("/v/1.mp4"), 0), LabeledVideo(Path("/v/2.mp4"), 1)]
    digest = digest_of_list(videos, names)
    assert digest_of_list([LabeledVideo(Path("/w/1.mp4"), 0), videos[1]], names) == digest
    assert digest_of_list([LabeledVideo(Path("/v/1.mp4"), 1, "g"), videos[1]], ("walk", "run")) != digest
    for other in (videos[::-1], [LabeledVideo(Path("/v/1.mp4"), 1), videos[1]]):
        assert digest_of_list(other, names) != digest


def test_a_list_may_spell_letters_in_another_unicode_form(tmp_path: Path, make_files: MakeFiles) -> None:
    require_both_forms(tmp_path)
    typed = unicodedata.normalize("NFC", "Zürich")
    on_disk = unicodedata.normalize("NFD", typed)
    make_files(tmp_path, [f"{on_disk}/1.mp4", f"deep/{on_disk}.mp4", "a/2.mp4"])
    (tmp_path / "table.csv").write_text(
        f"path,label\n{typed}/1.mp4,run\ndeep/{typed}.mp4,run\na/2.mp4,walk\n", encoding="utf-8"
    )
    videos = read_own_splits(DataSource(str(tmp_path / "table.csv")))
    assert {video.path for video in videos.train} == {
        tmp_path / on_disk / "1.mp4",
        tmp_path / "deep" / f"{on_disk}.mp4",
        tmp_path / "a/2.mp4",
    }
    assert not videos.missing


def test_a_list_behind_a_link_names_files_beside_its_own_folder(
    tmp_path: Path, make_files: MakeFiles
) -> None:
    make_files(tmp_path / "real", ["videos/1.mp4", "videos/2.mp4"])
    (tmp_path / "real" / "lists").mkdir()
    (tmp_path / "real" / "lists" / "table.csv").write_text(
        "path,label\n../videos/1.mp4,run\n../videos/2.mp4,walk\n"
    )
    (tmp_path / "link").symlink_to(tmp_path / "real" / "lists")
    videos = read_own_splits(DataSource(str(tmp_path / "link" / "table.csv")))
    assert labels_of(videos.train) == {"1.mp4": 0, "2.mp4": 1}


def test_thumbnails_and_trash_are_no_classes(tmp_path: Path, make_files: MakeFiles) -> None:
    make_files(
        tmp_path, ["run/1.mp4", "walk/2.mp4", "@eaDir/3.mp4", "run/@eaDir/1.mp4/4.mp4", "#recycle/5.mp4"]
    )
    videos = read_own_splits(DataSource(str(tmp_path)))
    assert videos.class_names == ("run", "walk")
    assert labels_of(videos.train) == {"1.mp4": 0, "2.mp4": 1}


def test_data_that_cannot_be_seen_is_not_called_absent(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InvalidInput, match="loop cannot be seen"):
        read_own_splits(DataSource(str(tmp_path / "loop")))


def test_runs_and_reports_in_the_data_folder_are_not_classes(tmp_path: Path, make_files: MakeFiles) -> None:
    own = ("runs/clips-1/config.toml", "runs/clips-1/best/a.mp4", "reports/supervised-1/report.json")
    make_files(tmp_path, (*own, *(f"{label}/{n}.mp4" for label in ("run", "walk") for n in range(5))))
    videos = read_own_splits(DataSource(str(tmp_path)))
    assert (videos.class_names, len(videos.train), videos.remarks) == (("run", "walk"), 10, ())
    (tmp_path / "runs" / "clips-1" / "config.toml").unlink()
    assert "runs" in read_own_splits(DataSource(str(tmp_path))).class_names, "a class of that name"
