"""Public sets are read from their own annotation files and from ViFi-CLIP's lists, wherever their videos lie."""

import csv
import json
from pathlib import Path

import pytest

from tests.data.conftest import MakeFiles
from vifi_cli.data.class_names import class_names_of, class_part
from vifi_cli.data.loading import load_labeled_videos, read_labeled_videos
from vifi_cli.data.paper_setting import Setting
from vifi_cli.data.source import DataSource
from vifi_cli.errors import InvalidInput

UCF, HMDB = class_names_of("ucf101"), class_names_of("hmdb51")


@pytest.fixture
def ucf101(tmp_path: Path, make_files: MakeFiles) -> Path:
    """A data root with three groups of each class of UCF-101 in class folders, spelled as they are distributed."""
    folder = tmp_path / "UCF-101"
    spelled = {"HandstandPushups": "HandStandPushups"}
    files = {
        group: [f"{name}/v_{spelled.get(name, name)}_g{group:02}_c01.avi" for name in UCF]
        for group in (1, 2, 3)
    }
    make_files(folder, [file for group in files.values() for file in group])
    (splits := folder / "ucfTrainTestlist").mkdir()
    for number in (1, 2, 3):
        test, train = files[number], [file for group in files if group != number for file in files[group]]
        (splits / f"testlist{number:02}.txt").write_text("\r\n".join(test) + "\r\n")
        labels = {name: label for label, name in enumerate(UCF, start=1)}
        lines = [f"{file} {labels[file.split('/')[0]]}" for file in train]
        (splits / f"trainlist{number:02}.txt").write_text("\n".join(lines))
    return tmp_path


def test_ucf101_in_every_setting(ucf101: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIFI_DATA", str(ucf101))
    videos = load_labeled_videos(DataSource("ucf101", split=2))
    assert videos.class_names == UCF
    assert (len(videos.train), len(videos.val), len(videos.missing)) == (202, 101, 0)
    assert videos.test == videos.val
    assert {video.path.name[-11:] for video in videos.val} == {"g02_c01.avi"}
    assert [video.label for video in videos.val] == list(range(101))
    few = load_labeled_videos(DataSource("ucf101"), Setting("few-shot", 1))
    assert (len(few.train), few.val) == (101, load_labeled_videos(DataSource("ucf101")).val)
    assert "not the paper's list" in few.remarks[0]
    base = load_labeled_videos(DataSource("ucf101"), Setting("base2novel"))
    novel = load_labeled_videos(DataSource("ucf101"), Setting("novel"))
    assert (len(base.class_names), len(base.val), len(novel.class_names), len(novel.test)) == (51, 51, 50, 50)
    assert base.class_names[0] == "Typing"
    assert not set(base.train) & set(novel.test)
    zero_shot = load_labeled_videos(DataSource("ucf101", split=3), Setting("zero-shot"))
    assert (zero_shot.train, zero_shot.val, len(zero_shot.test)) == ((), (), 101)


def test_published_lists_are_taken_where_they_lie(ucf101: Path) -> None:
    lists = ucf101 / "UCF-101/datasets_splits"
    published = {
        "ucf_splits/train1_few_shot_1": [f"v_{name}_g02_c01.avi {label}" for label, name in enumerate(UCF)],
        "base2novel_splits/ucf_splits/fs_base_s2_train": ["v_Typing_g03_c01.avi 0"],
        "base2novel_splits/ucf_splits/base_val": ["v_Typing_g02_c01.avi 0"],
        "base2novel_splits_ucf_splits_novel_val": ["v_PlayingViolin_g02_c01.avi 0"],
    }
    for name, lines in published.items():
        (lists / name).parent.mkdir(parents=True, exist_ok=True)
        (lists / f"{name}.txt").write_text("\n".join(lines))
    few = load_labeled_videos(DataSource("ucf101", root=ucf101), Setting("few-shot", 1))
    assert few.remarks == ()
    assert {video.path.name[-11:] for video in few.train} == {"g02_c01.avi"}
    other = load_labeled_videos(DataSource("ucf101", split=2, root=ucf101), Setting("few-shot", 1))
    assert not set(other.train) & set(other.val), (
        "the list was drawn from split 1 and would leak into split 2"
    )
    base = read_labeled_videos(DataSource("ucf101", split=2, root=ucf101), Setting("base2novel"))
    assert [video.path.name for video in (*base.train, *base.val)] == [
        "v_Typing_g03_c01.avi",
        "v_Typing_g02_c01.avi",
    ]
    novel = read_labeled_videos(DataSource("ucf101", root=ucf101), Setting("novel"))
    assert novel.class_names[novel.test[0].label] == "PlayingViolin"


@pytest.fixture
def hmdb51(tmp_path: Path, make_files: MakeFiles) -> Path:
    (splits := tmp_path / "hmdb51/testTrainMulti_7030_splits").mkdir(parents=True)
    for name in HMDB:
        stem = name.replace(" ", "_")
        files = [f"Hit_#1! [(a) & b]_{stem}_u_{number}.avi" for number in range(4)]
        make_files(tmp_path / "hmdb51/videos", (f"{stem}/{file}" for file in files[:3]))
        (splits / f"{stem}_test_split1.txt").write_text(
            "".join(f"{file} {flag} \n" for file, flag in zip(files, (1, 2, 0, 1), strict=True))
        )
    return tmp_path


def test_hmdb51_reads_flags_and_odd_names(hmdb51: Path) -> None:
    videos = load_labeled_videos(DataSource("hmdb51", root=hmdb51))
    assert (len(videos.train), len(videos.val), len(videos.missing)) == (51, 51, 51)
    assert videos.remarks[0] == "51 of 153 listed videos are not on disk"
    assert videos.val[20].path.name == "Hit_#1! [(a) & b]_kick_ball_u_1.avi"
    assert [video.label for video in videos.val] == list(range(51))
    with pytest.raises(InvalidInput, match="no split 4"):
        load_labeled_videos(DataSource("hmdb51", split=4, root=hmdb51))
    (hmdb51 / "hmdb51/testTrainMulti_7030_splits/wave_test_split1.txt").unlink()
    with pytest.raises(InvalidInput, match=r"has no wave_test_split1.txt"):
        load_labeled_videos(DataSource("hmdb51", root=hmdb51))


def write_kinetics(path: Path, rows: list[tuple[str, str, int, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["label", "youtube_id", "time_start", "time_end", "split"])
        writer.writerows([label, video, start, start + 10, split] for label, video, start, split in rows)


def test_kinetics_finds_clips_by_id_and_time_or_by_id(tmp_path: Path, make_files: MakeFiles) -> None:
    names = class_names_of("k400")
    ids = [f"-_{label:09}" for label in range(400)]
    rows = [(name, ids[label], 7, "train") for label, name in enumerate(names)]
    write_kinetics(tmp_path / "k400/annotations/train.csv", rows)
    write_kinetics(tmp_path / "k400/annotations/val.csv", [(names[0], "abcdefghijk", 0, "validate")])
    make_files(tmp_path / "k400/train", (f"{video}_000007_000017.mp4" for video in ids[:399]))
    make_files(
        tmp_path / "k400",
        (f"train/{ids[399]}.mkv", "val/ABCDEFGHIJK_000000_000010.mp4", "val/abcdefghijk.mp4"),
    )
    videos = load_labeled_videos(DataSource("k400", root=tmp_path))
    assert [video.label for video in videos.train] == list(range(400))
    assert videos.train[399].path.suffix == ".mkv"
    assert [video.path.name for video in videos.val] == ["abcdefghijk.mp4"]


def test_the_zero_shot_splits_of_kinetics_600(tmp_path: Path, make_files: MakeFiles) -> None:
    names = class_names_of("k600")
    label = class_part("k600", "zero_shot_2")[5]
    rows = [(names[label], "aaaaaaaaaaa", 1, "test"), ("abseiling", "bbbbbbbbbbb", 1, "test")]
    write_kinetics(tmp_path / "k600_test.csv", rows)
    make_files(tmp_path, ("v/aaaaaaaaaaa_000001_000011.mp4", "v/bbbbbbbbbbb_000001_000011.mp4"))
    videos = load_labeled_videos(DataSource("k600", split=2, root=tmp_path), Setting("zero-shot"))
    assert (len(videos.class_names), [video.label for video in videos.test]) == (160, [5])
    (lists := tmp_path / "datasets_splits/k600_splits").mkdir(parents=True)
    (lists / "ZS_split2_K600_eval.txt").write_text("test/bbbbbbbbbbb_000001_000011.mp4 7\n")
    videos = load_labeled_videos(DataSource("k600", split=2, root=tmp_path), Setting("zero-shot"))
    assert [(video.path.name[0], video.label) for video in videos.test] == [("b", 7)]
    with pytest.raises(InvalidInput, match="no base classes"):
        load_labeled_videos(DataSource("k600", root=tmp_path), Setting("base2novel"))


def test_something_something_matches_templates(tmp_path: Path, make_files: MakeFiles) -> None:
    names = class_names_of("ssv2")
    entries = [
        {
            "id": str(label),
            "template": name.replace("something", "[something]").replace("Something", "[Something]"),
        }
        for label, name in enumerate(names)
    ]
    (tmp_path / "something-something-v2-train.json").write_text(json.dumps(entries))
    (tmp_path / "something-something-v2-validation.json").write_text(json.dumps(entries[:2]))
    make_files(tmp_path, (f"20bn-something-something-v2/{label}.webm" for label in range(174)))
    videos = load_labeled_videos(DataSource("ssv2", root=tmp_path))
    assert [video.label for video in videos.train] == list(range(174))
    (tmp_path / "something-something-v2-train.json").write_text(
        '[{"id": "1", "template": "Eating [something]"}]'
    )
    with pytest.raises(InvalidInput, match=r"video 1: 'Eating .something.' is not a class"):
        load_labeled_videos(DataSource("ssv2", root=tmp_path))


def test_a_set_that_is_not_there_is_told_with_where_to_get_it(
    tmp_path: Path, make_files: MakeFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIFI_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput, match=r"ucf101 is not on this machine\. .*crcv.ucf.edu.*VIFI_DATA"):
        load_labeled_videos(DataSource("ucf101"))
    make_files(tmp_path, ("UCF-101/Archery/v_Archery_g01_c01.avi",))
    with pytest.raises(InvalidInput, match=r"though there are videos.*ucfTrainTestlist"):
        load_labeled_videos(DataSource("ucf101", root=tmp_path))
    with pytest.raises(InvalidInput, match="is not a folder: set --data-root"):
        load_labeled_videos(DataSource("ucf101", root=tmp_path / "nothing"))
    with pytest.raises(InvalidInput, match="vifi knows its class names"):
        load_labeled_videos(DataSource("ucf101", labels=tmp_path / "names.csv", root=tmp_path))
