"""Public sets whose classes are in their annotation files, in the form in which these are distributed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.data.conftest import MakeFiles
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos
from vifi_cli.data.loading import load_labeled_videos, read_labeled_videos, read_own_splits
from vifi_cli.data.paper_setting import Setting
from vifi_cli.data.public_datasets.loading import class_names_of_set
from vifi_cli.data.source import DataSource
from vifi_cli.data.video_checks import check_videos
from vifi_cli.errors import InvalidInput

Write = Callable[[str, object], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file below the data root: text, or JSON of anything else."""

    def write_file(name: str, content: object) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write_file


def shown(videos: LabeledVideos, split: tuple[LabeledVideo, ...]) -> list[tuple[str, str, float, float, str]]:
    """File name, classes, times and group of each video of a split."""
    return [
        (
            video.path.name,
            "+".join(videos.class_names[label] for label in video.labels),
            round(video.part.start_seconds, 3),
            round(video.part.end_seconds, 3),
            video.group,
        )
        for video in split
    ]


def activitynet(**database: dict[str, Any]) -> dict[str, Any]:
    return {"version": "VERSION 1.3", "taxonomy": [{"nodeName": "Ballet", "nodeId": 1}], "database": database}


def entry(subset: str, *annotations: tuple[str, float, float]) -> dict[str, Any]:
    return {
        "duration": 82.73,
        "resolution": "320x240",
        "subset": subset,
        "url": "https://www.youtube.com/watch?v=x",
        "annotations": [{"segment": [start, end], "label": label} for label, start, end in annotations],
    }


WHOLE = (0.0, float("inf"))


def test_activitynet_has_segments_of_videos_with_or_without_v(
    tmp_path: Path, write: Write, make_files: MakeFiles
) -> None:
    content = activitynet(
        QOlSCBRmfWY=entry("training", ("Ballet", 6.195, 77.73), ("Archery", 0, 3.5)),
        qolscbrmfwy=entry("training", ("Archery", 1, 2)),
        absent_0001=entry("training", ("Archery", 1, 2)),
        ehGHCYKzyZ8=entry("validation", ("Ballet", 2, 60), ("Ballet", 2, 60), ("Archery", 61, 61)),
        testing0001=entry("testing"),
    )
    write("anet/activity_net.v1-3.min.json", content)
    make_files(
        tmp_path, ("anet/train/v_QOlSCBRmfWY.mp4", "anet/x/qolscbrmfwy.mkv", "anet/val/v_ehGHCYKzyZ8.mp4")
    )
    videos = load_labeled_videos(DataSource("activitynet", root=tmp_path))
    assert shown(videos, videos.train) == [
        ("v_QOlSCBRmfWY.mp4", "Ballet", 6.195, 77.73, "QOlSCBRmfWY"),
        ("v_QOlSCBRmfWY.mp4", "Archery", 0.0, 3.5, "QOlSCBRmfWY"),
        ("qolscbrmfwy.mkv", "Archery", 1.0, 2.0, "qolscbrmfwy"),
    ]
    assert shown(videos, videos.val) == [("v_ehGHCYKzyZ8.mp4", "Ballet", 2.0, 60.0, "ehGHCYKzyZ8")]
    assert (videos.test, videos.missing) == (videos.val, ("v_absent_0001.mp4",))
    assert "left out 1 annotation that does not last" in videos.remarks
    few = load_labeled_videos(DataSource("activitynet", root=tmp_path), Setting("few-shot", 1))
    assert len(few.train) == 2
    zero_shot = read_labeled_videos(DataSource("activitynet", root=tmp_path), Setting("zero-shot"))
    assert (zero_shot.train, len(zero_shot.test)) == ((), 1)
    with pytest.raises(InvalidInput, match=r"ActivityNet 1\.3 has no base classes in the paper: use k400"):
        load_labeled_videos(DataSource("activitynet", root=tmp_path), Setting("base2novel"))


def test_hacs_segments_and_clips_are_two_sets(tmp_path: Path, write: Write, make_files: MakeFiles) -> None:
    segments = activitynet(
        a2X2hz1G6i8=entry("training", ("Archery", 5.4, 11.6)),
        NUdji_CqvcY=entry("training", ("Dodgeball", 1, 4)),
        val00000001=entry("validation", ("Archery", 1, 2)),
    )
    write("hacs/HACS_v1.1.1/HACS_segments_v1.1.1.json", segments)
    clips = (
        "classname,youtube_id,subset,start,end,label\n"
        "Archery,a2X2hz1G6i8,training,15.5,17.5,1\n"
        "Archery,a2X2hz1G6i8,training,77.5,79.5,-1\n"
        "Dodgeball,NUdji_CqvcY,training,24.5,26.5,1\n"
        "Archery,val00000001,validation,3.0,5.0,1\n"
        "Archery,test0000001,testing,,,\n"
        ",test0000002,testing,,,\n"
    )
    write("hacs/HACS_v1.1.1/HACS_clips_v1.1.1.csv", clips)
    names = ("Archery/v_a2X2hz1G6i8.mp4", "Dodgeball/v_NUdji_CqvcY.mp4", "Archery/v_val00000001.mp4")
    make_files(tmp_path / "hacs", names)
    videos = load_labeled_videos(DataSource("hacs-segments", root=tmp_path))
    assert [row[1:4] for row in shown(videos, videos.train)] == [
        ("Archery", 5.4, 11.6),
        ("Dodgeball", 1.0, 4.0),
    ]
    videos = load_labeled_videos(DataSource("hacs-clips", root=tmp_path))
    assert [row[1:4] for row in shown(videos, videos.train)] == [
        ("Archery", 15.5, 17.5),
        ("Dodgeball", 24.5, 26.5),
    ]
    assert [row[1:4] for row in shown(videos, videos.val)] == [("Archery", 3.0, 5.0)]
    assert "left out 1 clip without its action" in videos.remarks


CHARADES = (
    "id,subject,scene,quality,relevance,verified,script,objects,descriptions,actions,length\n"
    '{0},HR43,Kitchen,6,7,Yes,"A person, cooking; ""slowly""",food,desc,c002 11.90 21.20;c000 0.0 9;c002 1 3,24.8\n'
    "{1},HR43,Kitchen,6,7,Yes,script,food,desc,c001 1.0 2.0,24.83\n"
    "{2},K1,Kitchen,6,7,Yes,script,food,desc,,24.83\n"
)


def test_charades_has_videos_with_several_actions(
    tmp_path: Path, write: Write, make_files: MakeFiles
) -> None:
    write(
        "Charades/Charades_v1_classes.txt",
        "c000 Holding some clothes\nc001 Putting clothes\nc002 Taking clothes\n",
    )
    write("Charades/Charades_v1_train.csv", CHARADES.format("46GP8", "N11GT", "0IH69"))
    write("Charades/Charades_v1_test.csv", CHARADES.format("YSKX3", "ABCDE", "FGHIJ").replace("HR43", "ZZ"))
    make_files(
        tmp_path, (f"Charades/Charades_v1_480/{name}.mp4" for name in ("46GP8", "N11GT", "0IH69", "YSKX3"))
    )
    videos = load_labeled_videos(DataSource("charades", root=tmp_path))
    assert videos.class_names == ("Holding some clothes", "Putting clothes", "Taking clothes")
    assert shown(videos, videos.train) == [
        ("46GP8.mp4", "Holding some clothes+Taking clothes", *WHOLE, "HR43"),
        ("N11GT.mp4", "Putting clothes", *WHOLE, "HR43"),
    ]
    assert [video.labels for video in videos.test] == [(0, 2)]
    assert "left out 2 videos without an action" in videos.remarks
    check = check_videos(videos, decode=False)
    assert (check.empty_classes, check.untested_classes) == ((), ("Putting clothes",))
    with pytest.raises(
        InvalidInput, match="a number of shots needs one class for each video, and some of these show"
    ):
        load_labeled_videos(DataSource("charades", root=tmp_path), Setting("few-shot", 2))
    (tmp_path / "Charades/Charades_v1_classes.txt").unlink()
    with pytest.raises(InvalidInput, match=r"has no Charades_v1_classes\.txt: it comes with the annotations"):
        load_labeled_videos(DataSource("charades", root=tmp_path))


EPIC_HEADER = (
    "narration_id,participant_id,video_id,narration_timestamp,start_timestamp,stop_timestamp,start_frame,stop_frame,"
    "narration,verb,verb_class,noun,noun_class,all_nouns,all_noun_classes\n"
)
EPIC_TRAIN = (
    "P01_01_0,P01,P01_01,00:00:01.089,00:00:00.14,00:00:03.37,8,202,open door,open,3,door,3,['door'],[3]\n"
    "P01_01_1,P01,P01_01,00:01:02.629,00:01:04.37,00:01:06.17,262,370,"
    "turn on light,turn-on,6,light,114,['light'],[114]\n"
    "P01_102_0,P01,P01_102,00:00:01.100,01:00:00.54,01:00:02.23,27,111,"
    "take it,take,0,knife,4,\"['knife', 'plate']\",\"[4, 2]\"\n"
)
EPIC_VALIDATION = (
    "P02_01_0,P02,P02_01,00:00:01.089,00:00:00.14,00:00:03.37,8,202,open door,open,3,door,3,['door'],[3]\n"
    "P02_01_1,P02,P02_01,00:00:01.089,00:00:04.00,00:00:05.00,8,202,open lid,open,3,lid,9,['lid'],[9]\n"
)


@pytest.fixture
def epic(tmp_path: Path, write: Write, make_files: MakeFiles) -> Path:
    folder = "EPIC-KITCHENS-100/annotations/EPIC_100"
    write(f"{folder}_train.csv", EPIC_HEADER + EPIC_TRAIN)
    write(f"{folder}_validation.csv", EPIC_HEADER + EPIC_VALIDATION)
    write(
        f"{folder}_verb_classes.csv",
        "id,key,instances\n0,take,\"['take', 'pick']\"\n3,open,['open']\n6,turn-on,['on']\n",
    )
    write(f"{folder}_noun_classes.csv", "id,key,instances\n3,door,[]\n4,knife,[]\n9,lid,[]\n114,light,[]\n")
    make_files(
        tmp_path / "EPIC-KITCHENS-100", ("P01/videos/P01_01.MP4", "P01/P01_102.MP4", "P02/videos/P02_01.MP4")
    )
    return tmp_path


def test_epic_kitchens_has_verbs_nouns_and_actions(epic: Path) -> None:
    verbs = load_labeled_videos(DataSource("epic-kitchens-verb", root=epic))
    assert verbs.class_names == ("take", "open", "turn-on")
    assert shown(verbs, verbs.train) == [
        ("P01_01.MP4", "open", 0.14, 3.37, "P01_01"),
        ("P01_01.MP4", "turn-on", 64.37, 66.17, "P01_01"),
        ("P01_102.MP4", "take", 3600.54, 3602.23, "P01_102"),
    ]
    assert [row[1] for row in shown(verbs, verbs.val)] == ["open", "open"]
    nouns = load_labeled_videos(DataSource("epic-kitchens-noun", root=epic))
    assert nouns.class_names == ("door", "knife", "light"), "nobody trains the noun lid"
    assert "left out 1 class without a training video in the annotations" in nouns.remarks
    assert [row[1] for row in shown(nouns, nouns.val)] == ["door"]
    actions = load_labeled_videos(DataSource("epic-kitchens-action", root=epic))
    assert actions.class_names == ("open door", "take knife", "turn-on light")
    zero_shot = read_labeled_videos(DataSource("epic-kitchens-action", root=epic), Setting("zero-shot"))
    assert [row[1] for row in shown(zero_shot, zero_shot.test)] == ["open door", "open lid"]
    assert class_names_of_set("smarthome-cv1")[0] == "Cutbread"


def test_kinetics_700_reads_csv_and_json(tmp_path: Path, write: Write, make_files: MakeFiles) -> None:
    write(
        "kinetics700/annotations/train.csv",
        "label,youtube_id,time_start,time_end,split\nabseiling,---QUuC4vJs,84,94,train\n"
        "zumba,aaaaaaaaaaa,1,11,train\nzumba,---quuC4vJs,84,94,train\n",
    )
    clip = {"label": "zumba", "segment": [3.0, 13.0]}
    validation = {
        "bbbbbbbbbbb": {"annotations": clip, "duration": 10.0, "subset": "validate", "url": "https://…"}
    }
    write("kinetics700/validate.json", validation)
    write("kinetics700/test.csv", "youtube_id,time_start,time_end,split\nccccccccccc,1,11,test\n")
    names = (
        "train/abseiling/---QUuC4vJs_000084_000094.mp4",
        "train/aaaaaaaaaaa.mkv",
        "val/bbbbbbbbbbb_000003_000013.mp4",
    )
    make_files(tmp_path / "kinetics700", names)
    source = DataSource.parse("kinetics700", tmp_path)
    assert (source.name, source.is_public_set, str(source)) == ("k700", True, "k700")
    videos = load_labeled_videos(source)
    assert videos.class_names == ("abseiling", "zumba")
    assert [row[:2] for row in shown(videos, videos.train)] == [
        ("---QUuC4vJs_000084_000094.mp4", "abseiling"),
        ("aaaaaaaaaaa.mkv", "zumba"),
    ]
    assert [row[:2] for row in shown(videos, videos.val)] == [("bbbbbbbbbbb_000003_000013.mp4", "zumba")]
    assert videos.missing == ("---quuC4vJs_000084_000094.mp4",)
    assert "the annotations have 2 of the 700 classes of Kinetics-700" in videos.remarks
    (tmp_path / "kinetics700").rename(tmp_path / "kinetics400")
    with pytest.raises(
        InvalidInput, match=r"no split files of Kinetics-700 under .*, though there are videos"
    ):
        load_labeled_videos(source)


def test_diving_48_names_classes_by_its_vocabulary(
    tmp_path: Path, write: Write, make_files: MakeFiles
) -> None:
    vocabulary = [["Back", "15som", "05Twis", "FREE"], ["Back", "15som", "15Twis", "FREE"]]
    write("diving48/Diving48_vocab.json", vocabulary)
    frames = {"start_frame": 0, "end_frame": 48}
    train = [
        {"vid_name": "-mmq0PT-u8k_00155", "label": 1, **frames},
        {"vid_name": "x_00001", "label": 0, **frames},
    ]
    path = write("diving48/Diving48_V2_train.json", train)
    write("diving48/Diving48_V2_test.json", [{"vid_name": "y_00001", "label": 1, **frames}])
    make_files(tmp_path / "diving48/rgb", ("-mmq0PT-u8k_00155.mp4", "x_00001.mp4", "y_00001.mp4"))
    videos = load_labeled_videos(DataSource("diving48", root=tmp_path))
    assert shown(videos, videos.train) == [
        ("-mmq0PT-u8k_00155.mp4", "Back 15som 15Twis FREE", *WHOLE, ""),
        ("x_00001.mp4", "Back 15som 05Twis FREE", *WHOLE, ""),
    ]
    assert [row[0] for row in shown(videos, videos.test)] == ["y_00001.mp4"]
    path.write_text('[{"vid_name": "x_00001", "label": 48}]')
    with pytest.raises(InvalidInput, match="entry 0: the label 48 is not a number from 0 to 1"):
        load_labeled_videos(DataSource("diving48", root=tmp_path))


def test_the_protocols_of_smarthome_are_in_the_names(tmp_path: Path, make_files: MakeFiles) -> None:
    names = [
        f"{activity}_p{subject:02}_r00_v02_c{camera:02}.mp4"
        for activity in ("Walk", "Cook.Cut")
        for subject in (2, 3)
        for camera in (1, 2, 3, 5)
    ]
    make_files(tmp_path / "Smarthome/mp4", names)
    subjects = read_labeled_videos(DataSource("smarthome-cs", root=tmp_path))
    assert {video.group for video in subjects.train} == {"p03"}
    assert {video.group for video in subjects.test} == {"p02"}
    assert len(subjects.train) == len(subjects.test) == 8
    one, five = (read_labeled_videos(DataSource(f"smarthome-cv{number}", root=tmp_path)) for number in (1, 2))
    splits = [
        {video.path.stem[-1] for video in split} for split in (one.train, one.val, one.test, five.train)
    ]
    assert splits == [{"1"}, {"5"}, {"2"}, {"1", "3"}]
    assert {video.path.name.split("_")[0] for video in one.all_videos()} == {"Walk"}, (
        "19 classes across views"
    )
    assert any("of classes that the protocol leaves out" in remark for remark in one.remarks)


@pytest.mark.parametrize(
    ("name", "file", "content", "message"),
    [
        ("activitynet", "activity_net.v1-3.min.json", '{"database": ', "is not JSON"),
        ("activitynet", "activity_net.v1-3.min.json", {"database": []}, "database is not an object"),
        (
            "activitynet",
            "activity_net.v1-3.min.json",
            activitynet(a=entry("train1", ("x", 1, 2))),
            "subset 'train1'",
        ),
        ("hacs-clips", "HACS_clips_v1.1.1.csv", "classname,youtube_id\n", "has no column 'subset'"),
        (
            "hacs-clips",
            "HACS_clips_v1.1.1.csv",
            "classname,youtube_id,subset,start,end,label\na,b,training,x,2,1\n",
            "line 2: 'x' is",
        ),
        (
            "hacs-segments",
            "HACS_segments.json",
            activitynet(a=entry("training")),
            "no split files of HACS Segments",
        ),
        (
            "k700",
            "train.json",
            {"a": {"annotations": {"label": "x", "segment": [1, "y"]}}},
            "have no time for a",
        ),
        (
            "k700",
            "all.csv",
            "label,youtube_id,time_start,time_end\nx,a,1,2\n",
            "no column `split` and no train, val",
        ),
        ("diving48", "Diving48_V2_train.json", [], r"has no Diving48_vocab\.json"),
        ("epic-kitchens-verb", "EPIC_100_train.csv", EPIC_HEADER, r"has no EPIC_100_verb_classes\.csv"),
        ("charades", "readme.txt", "", "no split files of Charades"),
        ("charades", "Charades_v1_train.csv", CHARADES, "has no Charades_v1_classes"),
        ("smarthome-cs", "readme.txt", "", "no split files of Toyota Smarthome"),
        ("k700", "val.json", {"a": ["abseiling"]}, "val.json, a is not an object"),
        (
            "hacs-segments",
            "HACS_segments_v1.1.1.json",
            activitynet(a={"annotations": [{"segment": 5}]}),
            "segment is not a",
        ),
    ],
)
def test_damaged_and_absent_annotations_are_refused(
    tmp_path: Path, write: Write, name: str, file: str, content: object, message: str
) -> None:
    write(file, content)
    with pytest.raises(InvalidInput, match=message):
        load_labeled_videos(DataSource(name, root=tmp_path))


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (
            "EPIC_100_train.csv",
            EPIC_HEADER + EPIC_TRAIN.replace("open,3", "open,7"),
            r"line 2: EPIC_100_verb_classes\.csv has",
        ),
        (
            "EPIC_100_train.csv",
            EPIC_HEADER + EPIC_TRAIN.replace("00:00:03.37", "later"),
            "line 2: 'later' is not a time",
        ),
        ("EPIC_100_train.csv", EPIC_HEADER + "P01_01_0,P01\n", "line 2 has 2 cells, the header 15"),
        ("EPIC_100_verb_classes.csv", "id,name\n0,take\n", "has no column 'key'"),
    ],
)
def test_damaged_files_of_epic_kitchens(
    epic: Path, write: Write, file: str, content: str, message: str
) -> None:
    write(f"EPIC-KITCHENS-100/annotations/{file}", content)
    with pytest.raises(InvalidInput, match=message):
        load_labeled_videos(DataSource("epic-kitchens-verb", root=epic))


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (
            "Charades_v1_classes.txt",
            "c000: Holding\n",
            "line 1: 'c000: Holding' is not a code such as c000 and a name",
        ),
        (
            "Charades_v1_train.csv",
            CHARADES.replace("c001", "c157"),
            r"line 3: 'c157' is not in Charades_v1_classes\.txt",
        ),
        ("Charades_v1_train.csv", CHARADES.replace("K1,", ""), "line 4 has 10 cells, the header 11"),
    ],
)
def test_damaged_files_of_charades(
    tmp_path: Path, write: Write, file: str, content: str, message: str
) -> None:
    write("Charades_v1_classes.txt", "c000 A\nc001 B\nc002 C\n")
    write("Charades_v1_train.csv", CHARADES)
    write(file, content)
    with pytest.raises(InvalidInput, match=message):
        load_labeled_videos(DataSource("charades", root=tmp_path))


def test_annotations_of_two_sets_together_are_refused(
    tmp_path: Path, write: Write, make_files: MakeFiles
) -> None:
    many = [(f"class {number}", float(number), number + 1.0) for number in range(201)]
    write("activity_net.v1-3.min.json", activitynet(a=entry("training", *many)))
    with pytest.raises(
        InvalidInput, match=r"have 201 classes, ActivityNet 1\.3 has 200: name the folder of this set"
    ):
        load_labeled_videos(DataSource("activitynet", root=tmp_path))


def test_an_annotation_file_of_a_set_names_the_set(tmp_path: Path, write: Write) -> None:
    path = write("my data/activity_net.v1-3.min.json", activitynet())
    with pytest.raises(
        InvalidInput, match=r"belongs to ActivityNet 1\.3: write `--data activitynet --data-root '.*my data'"
    ):
        load_labeled_videos(DataSource(str(path)))


def test_a_table_of_kinetics_needs_the_name_of_its_set(tmp_path: Path) -> None:
    head, row = "label,youtube_id,time_start,time_end,split", "run,abc,2,12,train"
    (tmp_path / "train.csv").write_text(f"{head}\n{row}\n")
    with pytest.raises(
        InvalidInput, match="is an annotation file of Kinetics: write `--data k400 --data-root"
    ):
        read_own_splits(DataSource(str(tmp_path / "train.csv")))
    (tmp_path / "a.mp4").write_text("a")
    (tmp_path / "train.csv").write_text(f"{head},path\n{row},a.mp4\n")
    assert len(read_own_splits(DataSource(str(tmp_path / "train.csv"))).train) == 1
