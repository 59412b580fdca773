"""`vifi data check` and `vifi data split`, as a shell sees them."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Vifi
from tests.made_videos import solid_colour_clip, write_video
from tests.video.clips.test_same_footage import take
from vifi_cli.cli.models.data_overview import show_overview
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
from vifi_cli.data.public_datasets.datasets import PUBLIC_SETS
from vifi_cli.data.video_checks import DataCheck

WEIZMANN = Path(__file__).parents[4] / "shared/videos/actions/weizmann"
HEADER = "Class\tTrain\tVal\tTest\n"
COLOURS = ("red", "green", "blue", "gold", "teal", "navy")


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of three clips, one a person."""
    folder = tmp_path_factory.mktemp("data") / "people"
    for place, colour in enumerate(COLOURS):
        path = folder / ("run", "walk")[place % 2] / f"{('ann', 'bob', 'eve')[place // 2]}_{place}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        solid_colour_clip(path, [(colour, 1.0)])
    return folder


def test_check_counts_and_finds_nothing_in_good_data(vifi: Vifi, people: Path) -> None:
    outcome = vifi("data", "check", people)
    assert outcome.exit_code == 0, outcome.stderr
    assert outcome.stdout == HEADER + "run\t2\t1\t1\nwalk\t2\t1\t1\n"
    assert "6 videos: no problems found" in outcome.stderr
    document = json.loads(vifi("data", "check", people, "--json", "--no-decode").stdout)
    assert document["fine"]
    assert document["classes"][1] == {"name": "walk", "train": 2, "val": 1, "test": 1}


def test_check_tells_what_it_finds_and_exits_with_1(vifi: Vifi, people: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_text("no video")
    run, walk = people / "run", people / "walk"
    table = tmp_path / "table.csv"
    table.write_text(
        f"path,label,split\n{run}/ann_0.mp4,run,train\nbad.mp4,run,train\n{walk}/bob_3.mp4,walk,train\n"
        f"{run}/ann_0.mp4,run,test\n{walk}/eve_5.mp4,walk,val\ngone.mp4,walk,val\n"
    )
    outcome = vifi("data", "check", table)
    assert outcome.exit_code == 1
    for said in (
        "1 listed video is missing\n  gone.mp4",
        "1 video cannot be read",
        "1 training video is held out too (test)",
    ):
        assert said in outcome.stderr
    document = json.loads(vifi("data", "check", table, "--json").stdout)
    assert [(leak["by"], leak["split"]) for leak in document["leaks"]] == [("file", "test")]
    assert document["missing"] == ["gone.mp4"]
    assert [Path(broken["path"]).name for broken in document["broken"]] == ["bad.mp4"]


def test_check_names_moments_with_their_times(vifi: Vifi, people: Path, tmp_path: Path) -> None:
    clip, table = people / "run" / "ann_0.mp4", tmp_path / "moments.csv"
    rows = ["run,train,0,0.4", "walk,train,0.4,0.6", "run,test,0.3,0.5", "walk,test,0.6,", "run,test,0:02,"]
    table.write_text("path,label,split,start,end\n" + "\n".join(f"{clip},{row}" for row in rows))
    outcome = vifi("data", "check", table)
    assert outcome.exit_code == 1
    for said in (
        "1 moment is not in its file\n  ann_0.mp4@0:02-: the file ends at 0:01\n",
        "2 training videos are held out too (val)\n  ann_0.mp4@0:00-0:00.4: ann_0.mp4@0:00.3-0:00.5\n",
        "5 moments of 1 file: those of one file belong together, unless groups are given",
    ):
        assert said in outcome.stderr
    document = json.loads(vifi("data", "check", table, "--json").stdout)
    assert document["outside"] == [{"path": str(clip), "start": 2.0, "end": None, "file_seconds": 1.0}]
    assert document["leaks"][0] == {
        "by": "file",
        "split": "val",
        "train": str(clip),
        "train_start": 0.0,
        "train_end": 0.4,
        "held_out": str(clip),
        "held_out_start": 0.3,
        "held_out_end": 0.5,
    }


def test_check_says_in_one_line_what_cannot_be_read(vifi: Vifi, tmp_path: Path) -> None:
    for data in (tmp_path, tmp_path / "nothing.csv", "ucf101"):
        outcome = vifi("data", "check", data, "--data-root", tmp_path)
        assert outcome.exit_code == 2
        assert outcome.stderr.count("\n") == 1


def test_split_leaves_one_person_out(vifi: Vifi, people: Path, tmp_path: Path) -> None:
    table = tmp_path / "fold.csv"
    outcome = vifi("data", "split", people, "-o", table, "--group-by", "^([a-z]+)_", "--hold-out", "eve")
    assert outcome.exit_code == 0, outcome.stderr
    assert outcome.stdout == HEADER + "run\t2\t0\t1\nwalk\t2\t0\t1\n"
    rows = [line.split(",") for line in table.read_text().splitlines()[1:]]
    assert {(Path(path).name, group) for path, _, split, group in rows if split == "test"} == {
        ("eve_4.mp4", "eve"),
        ("eve_5.mp4", "eve"),
    }
    assert vifi("data", "check", table).exit_code == 0


def test_split_writes_paths_that_move_with_the_table(vifi: Vifi, people: Path) -> None:
    table = people.parent / "split.csv"
    vifi("data", "split", people, "-o", table, "--val", "0.3", "--test", "0")
    assert table.read_text().splitlines()[1].startswith("people/run/")
    first = table.read_bytes()
    vifi("data", "split", people, "-o", table, "--val", "0.3", "--test", "0", "--seed", "0")
    assert table.read_bytes() == first
    few = vifi("data", "split", table, "-o", people.parent / "few.csv", "--shots", "1")
    assert few.stdout == HEADER + "run\t1\t1\t0\nwalk\t1\t1\t0\n"
    assert "are kept" in few.stderr


def test_split_writes_base_and_novel_classes_apart(vifi: Vifi, people: Path, tmp_path: Path) -> None:
    outcome = vifi("data", "split", people, "-o", tmp_path / "x.csv", "--base-novel", "--json")
    document = json.loads(outcome.stdout)
    assert [Path(table["file"]).name for table in document] == ["x-base.csv", "x-novel.csv"]
    assert [len(table["classes"]) for table in document] == [1, 1]
    assert not (tmp_path / "x.csv").exists()


def test_split_warns_of_a_class_that_groups_leave_without_training(
    vifi: Vifi, people: Path, tmp_path: Path
) -> None:
    options = ("--group-by", "_([0-9])", "--hold-out", "0", "--hold-out", "2", "--hold-out", "4")
    outcome = vifi("data", "split", people, "-o", tmp_path / "x.csv", *options)
    assert "1 class has no training video: run" in outcome.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-o", "x.txt"], "end in .csv"),
        (["-o", "no/such/x.csv"], "is not a folder"),
        (["-o", "x.csv", "--val", "0.6", "--test", "0.6"], "below 1"),
        (["-o", "x.csv", "--hold-out", "eve"], "--group-by"),
        (["-o", "x.csv", "--nested"], "--shots"),
        (["-o", "x.csv", "--group-by", "^([0-9]+)"], "finds no group"),
    ],
)
def test_split_refuses_what_makes_no_sense(
    vifi: Vifi, people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = vifi("data", "split", people, *options)
    assert outcome.exit_code == 2
    assert said in outcome.stderr
    assert outcome.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not WEIZMANN.is_dir(), reason="the Weizmann clips are not here")
def test_leaving_daria_out_of_weizmann_is_one_command(vifi: Vifi, tmp_path: Path) -> None:
    table = tmp_path / "daria.csv"
    outcome = vifi("data", "split", WEIZMANN, "-o", table, "--group-by", "^([a-z]+)_", "--hold-out", "daria")
    assert outcome.exit_code == 0
    assert [row.split("\t")[1:] for row in outcome.stdout.splitlines()[1:]] == [["8", "0", "1"]] * 10


def test_the_help_names_all_public_sets(vifi: Vifi) -> None:
    shown = " ".join(vifi("data", "--help").stdout.split())
    assert f"Public sets: {', '.join(PUBLIC_SETS)}." in shown


def test_check_finds_re_encoded_and_cut_copies_across_splits(vifi: Vifi, tmp_path: Path, tiny: Path) -> None:
    rows = ["path,label,split"]
    for seed in range(4):
        write_video(tmp_path / f"take{seed}.mp4", take(seed), fps=25.0)
        rows.append(f"take{seed}.mp4,{('run', 'walk')[seed % 2]},train")
    write_video(tmp_path / "copy.mp4", take(1)[6:34, ::2, ::2], fps=25.0, codec="mpeg4")
    write_video(tmp_path / "other.mp4", take(9), fps=25.0)
    rows += ["copy.mp4,walk,test", "other.mp4,run,test"]
    (tmp_path / "table.csv").write_text("\n".join(rows))
    outcome = vifi("data", "check", tmp_path / "table.csv", "--near-duplicates", "--model", tiny, "--json")
    assert outcome.exit_code == 1, outcome.stderr
    (pair,) = json.loads(outcome.stdout)["near_duplicates"]
    assert [Path(pair[name]).name for name in ("train", "held_out")] == ["take1.mp4", "copy.mp4"]
    assert pair["split"] == "test"
    assert pair["similarity"] > 0.9


def test_check_reports_balance_and_durations(vifi: Vifi, tmp_path: Path) -> None:
    rows = ["path,label,split"]
    for place, (label, seconds) in enumerate([("run", 0.3), *[("run", 1.0)] * 2, ("walk", 12.0)]):
        solid_colour_clip(tmp_path / f"{place}.mp4", [(COLOURS[place], seconds)])
        rows.append(f"{place}.mp4,{label},train")
    solid_colour_clip(tmp_path / "held.mp4", [("teal", 1.0)])
    rows.append("held.mp4,run,test")
    (tmp_path / "table.csv").write_text("\n".join(rows))
    outcome = vifi("data", "check", tmp_path / "table.csv")
    for said in (
        "videos take 0.3 s to 12 s, median 1.0 s",
        "1 video is under 0.5 s, such as 0.mp4 (0.3 s)",
        "1 video is over 10 times the median, such as 3.mp4 (12 s)",
        "classes are unequal: 'run' has 3 videos, 'walk' 1; --recipe class_balance=1",
        "--near-duplicates finds them",
    ):
        assert said in outcome.stderr
    document = json.loads(vifi("data", "check", tmp_path / "table.csv", "--json").stdout)
    assert document["class_balance"]["ratio"] == 3
    assert document["durations"]["median_seconds"] == pytest.approx(1, abs=0.05)
    assert [Path(each["path"]).name for each in document["durations"]["long"]] == ["3.mp4"]


def test_check_advises_no_balance_where_videos_show_several_classes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clips = [
        LabeledVideo(Path(f"/{place}.mp4"), 0, more_labels=(1,) if place < 1 else ()) for place in range(4)
    ]
    found = DataCheck(
        LabeledVideos("several", ("run", "walk"), tuple(clips), (), ()), (), (), (), near_duplicates=()
    )
    show_overview(found)
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "classes are unequal: 'run' has 4 videos, 'walk' 1; mAP counts them alike"


def test_a_model_of_the_check_is_for_near_duplicates_and_must_exist(vifi: Vifi, people: Path) -> None:
    for options, said in (
        (("--model", "starter"), "--model goes with --near-duplicates"),
        (("--near-duplicates", "--model", "no/such-model"), "no model 'no/such-model'"),
    ):
        outcome = vifi("data", "check", people, *options)
        assert outcome.exit_code == 2
        assert said in outcome.stderr
        assert "Checking" not in outcome.stderr, "before videos are read"
