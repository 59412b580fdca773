"""Lists, tables and label files as people have them: read where they are clear, else refused with what to write."""

import codecs
import json
from pathlib import Path

import pytest

from tests.data.conftest import SHARED, MakeFiles
from vifi_cli.data.formats.label_file import LabelFile, read_label_file
from vifi_cli.data.formats.listing import Listing
from vifi_cli.data.formats.lists.own_lists import read_own_lists
from vifi_cli.data.formats.tables.reading import read_table
from vifi_cli.data.labeled_videos import LabeledVideos
from vifi_cli.data.loading import read_own_splits
from vifi_cli.data.source import DataSource
from vifi_cli.errors import InvalidInput

NAMES = LabelFile(("bend", "jack", "wave"), source="names.txt")
FROM_1 = LabelFile(("bend", "jack", "wave"), 1, "classInd.txt")
FROM_0 = LabelFile(("bend", "jack", "wave"), 0, "labels.csv")


def rows_of(listing: Listing) -> list[tuple[str, str]]:
    return [(video.file, listing.class_names[video.label]) for video in listing.videos]


def a_table(folder: Path, text: str, suffix: str = ".csv", encoding: str = "utf-8") -> Path:
    path = folder / f"table{suffix}"
    path.write_bytes(text.encode(encoding))
    return path


def a_list(folder: Path, text: str, labels: LabelFile | None = None) -> Listing:
    path = folder / "train.txt"
    path.write_text(text)
    return read_own_lists({"train": path}, labels, "DATA")


EXPECTED = [("bend/1.avi", "bend"), ("jack/2.avi", "jack")]


@pytest.mark.parametrize(
    "text",
    [
        "path,label\nbend/1.avi,bend\njack/2.avi,jack\n",
        "path;label\nbend/1.avi;bend\njack/2.avi;jack\n",
        "path\tlabel\nbend/1.avi\tbend\njack/2.avi\tjack\n",
        "path|label\nbend/1.avi|bend\njack/2.avi|jack\n",
        "\n\nVideo Path, Class Name\n'bend/1.avi',bend\n'jack/2.avi',jack\n".replace("'", '"'),
        "label,file\nbend,bend/1.avi\njack,jack/2.avi\n",
        "video,class\nbend/1.avi,bend\njack/2.avi,jack\n",
        "filename,category,fps\nbend/1.avi,bend,25\njack/2.avi,jack,25\n",
        "video_path,action,label_id\nbend/1.avi,bend,4\njack/2.avi,jack,7\n",
        "bend/1.avi,bend\njack/2.avi,jack\n",
        "sep=;\npath;label\nbend/1.avi;bend\njack/2.avi;jack\n",
        "# made by hand\n\npath,label\nbend/1.avi,bend\njack/2.avi,jack\n",
        ",path,label\n0,bend/1.avi,bend\n1,jack/2.avi,jack\n",
        "bend;bend/1.avi\njack;jack/2.avi\n",
        "bend/1.avi\tbend\ttrain\njack/2.avi\tjack\ttrain\n",
    ],
)
def test_tables_are_read_whatever_separates_and_names_their_columns(tmp_path: Path, text: str) -> None:
    assert rows_of(read_table(a_table(tmp_path, text))) == EXPECTED


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ("path,label,fps,codec\na.avi,run,25,x\n", "left out the columns fps, codec"),
        (
            "path,label,subject_id\na.avi,run,7\n",
            "left out the columns subject_id; call subject_id group to keep the videos of each together in one split",
        ),
        ("path,label,person,group\na.avi,run,7,7\n", "left out the columns person"),
        ("a.avi,run\n", "has no header: its columns are read as path, label"),
        ("run,val,a.avi\n", "has no header: its columns are read as label, split, path"),
    ],
)
def test_what_is_not_read_or_assumed_is_reported(tmp_path: Path, text: str, remark: str) -> None:
    (said,) = read_table(a_table(tmp_path, text)).remarks
    assert said.endswith(remark)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_tables_with_a_byte_order_mark_are_read(tmp_path: Path, encoding: str) -> None:
    table = a_table(tmp_path, "path;label\r\na.avi;Übung\r\nb.avi;run\r\n", encoding=encoding)
    assert rows_of(read_table(table)) == [("a.avi", "Übung"), ("b.avi", "run")]


@pytest.mark.parametrize(
    ("text", "encoding", "said"),
    [
        ("path,label\na.avi,run\nb.avi,Übung\n", "latin-1", "line 3 is not UTF-8 text: save the file as UTF-8"),
        ("path,label\na.avi,run\n", "utf-16-le", "is not UTF-8 text"),
        ("clip_name,clip_path,label\na,a.avi,run\n", "utf-8", "clip_name and clip_path may both be the path: rename"),
        ("path,label,splits\na.avi,run,val\n", "utf-8", "unknown column 'splits'; write path,label"),
        ("path,label,start_frame\na.avi,run,5\n", "utf-8", "unknown column 'start_frame'"),
        ("name,what\na.avi,run\n", "utf-8", "has no column 'path'; write path,label in the first line"),
        ("a.avi,run,5\nb.avi,walk,7\n", "utf-8", "has no header: write one into its first line, such as path,"),
        ("path;label\na.avi;run;5\n", "utf-8", "line 2 has 3 cells, the header 2: quote cells with semicolons"),
        ("path,label\na.avi,0.0\nb.avi,1.0\n", "utf-8", "line 2: the label '0.0' is not a class"),
        (" ,", "utf-8", "has no column 'path'"),
        ('"', "utf-8", "has no column 'path'"),
        ("x" * 200_000 + ",label\n", "utf-8", "is not CSV: field larger than field limit"),
        ("path,label\na.avi,0\nb.avi,-1\n", "utf-8", "line 3: the label '-1' is not a class"),
        ("path,label\na.avi,1e0\nb.avi,2e0\n", "utf-8", "line 2: the label '1e0' is not a class"),
        ("path,label_id\na.avi,0\nb.avi,1\n", "utf-8", "its labels are numbers; name the classes as in"),
        ("path,label\na.avi,run\nb.avi,NaN\n", "utf-8", "line 3 has no label but 'NaN'"),
        ("path,label\na.avi,run\nb.avi,\n", "utf-8", "line 3 has no label: fill it in"),
        ("path,label\na.avi,\"['run', 'walk']\"\n", "utf-8", "line 2: the label \"['run', 'walk']\" seems to be"),
        ("path,label\na.avi,run|walk\nb.avi,run\n", "utf-8", "line 2: the label 'run|walk' seems to be several"),
        ("path,label\na.avi,run\nb.avi,walk\nc.avi,run; walk\n", "utf-8", "line 4: the label 'run; walk' seems to be"),
        ('path,label\na.avi,run\nb.avi,walk\nc.avi,"run,walk"\n', "utf-8", "line 4: the label 'run,walk' seems to be"),
    ],
)  # fmt: skip
def test_tables_that_would_be_read_wrongly_are_refused(
    tmp_path: Path, text: str, encoding: str, said: str
) -> None:
    table = a_table(tmp_path, text, encoding=encoding)
    with pytest.raises(InvalidInput) as raised:
        read_table(table)
    assert said in str(raised.value)
    assert str(raised.value).startswith(str(table))
    assert "\n" not in str(raised.value)


def test_a_name_with_commas_or_semicolons_is_a_class(tmp_path: Path) -> None:
    table = a_table(tmp_path, 'path,label\na.avi,"wave, both hands"\nb.avi,run; fast\n')
    assert read_table(table).class_names == ("run; fast", "wave, both hands")


def test_lists_of_labels_in_json_lines_are_several_classes(tmp_path: Path) -> None:
    lines = [
        {"path": "a.avi", "label": ["stand", "bend"]},
        {"path": "b.avi", "label": ["jack"]},
        {"video": "c.avi", "class": "bend", "start": 1.5, "end": "0:03"},
        {"path": "d.avi", "label": ["jack", "jack"], "fps": 25},
    ]
    listing = read_table(a_table(tmp_path, "\n".join(map(json.dumps, lines)), ".jsonl"))
    assert listing.class_names == ("bend", "jack", "stand")
    assert [(video.label, *video.more_labels) for video in listing.videos] == [(2, 0), (1,), (0,), (1,)]
    assert (listing.videos[2].part.start_seconds, listing.videos[2].part.end_seconds) == (1.5, 3.0)
    assert listing.remarks == ("left out the columns fps",)
    by_number = [{"path": "a.avi", "label": [0, 2]}, {"path": "b.avi", "label": 1}]
    listing = read_table(a_table(tmp_path, "\n".join(map(json.dumps, by_number)), ".jsonl"), NAMES)
    assert [(video.label, *video.more_labels) for video in listing.videos] == [(0, 2), (1,)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"path": "a.avi", "label": []}', "line 1 has no label"),
        ('{"path": "a.avi", "label": [["run"]]}', 'line 1: ["run"] is not a text'),
        ('{"path": "a.avi", "label": NaN}', "line 1 has no label but 'nan'"),
        ('{"path": "a.avi", "label": ["run", ""]}', "line 1 has no label"),
        ('{"path": ["a.avi"], "label": "run"}', 'line 1: ["a.avi"] is not a text'),
        ('{"path": "a.avi", "labels": "run"}', "unknown key 'labels'"),
        ("[" * 100_000, "line 1 is not JSON"),
    ],
)
def test_json_lines_that_make_no_sense_are_refused(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        read_table(a_table(tmp_path, line, ".jsonl"))
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("text", "labels", "expected", "remarks"),
    [
        ("bend/1.avi 0\njack/2.avi 1", NAMES, ("bend", "jack"), 0),
        ("bend/1.avi 1\njack/2.avi 2", FROM_1, ("bend", "jack"), 0),  # testlist.txt with classInd.txt
        ("bend/1.avi 0\njack/2.avi 1", FROM_1, ("bend", "jack"), 1),  # mmaction's list with classInd.txt
        ("a/1.avi 0\na/2.avi 2", FROM_1, ("bend", "wave"), 1),
        ("a/1.avi 1\na/2.avi 3", FROM_1, ("bend", "wave"), 0),
        ("a/1.avi 1\na/2.avi 3", NAMES, ("bend", "wave"), 1),
        ("bend/1.avi 1\njack/2.avi 2", NAMES, ("bend", "jack"), 1),
        ("a/1.avi 1\na/2.avi 2", FROM_0, ("jack", "wave"), 0),
        ("bend/1.avi\njack/2.avi", NAMES, ("bend", "jack"), 0),
        ("a/1.avi bend\na/2.avi jack", NAMES, ("bend", "jack"), 0),
        ("bend/1.avi 1\njack/2.avi", FROM_1, ("bend", "jack"), 0),
    ],
)
def test_labels_count_from_0_or_from_1(
    tmp_path: Path, text: str, labels: LabelFile, expected: tuple[str, ...], remarks: int
) -> None:
    listing = a_list(tmp_path, text, labels)
    assert listing.class_names == labels.names
    assert tuple(name for _, name in rows_of(listing)) == expected
    assert len(listing.remarks) == remarks
    table = a_table(tmp_path, "path label\n".replace(" ", "\t") + text.replace(" ", "\t"))
    if "\t" in table.read_text().splitlines()[-1]:
        assert rows_of(read_table(table, labels)) == rows_of(listing)


@pytest.mark.parametrize(
    ("text", "labels", "said"),
    [
        (
            "a/1.avi 1\na/2.avi 2",
            FROM_1,
            "classInd.txt numbers its classes from 1, and the labels of the videos may",
        ),
        ("a/1.avi 0\na/2.avi 3", FROM_1, "line 1: label 0 is out of the range 1 to 3"),
        ("a/1.avi 0\na/2.avi 3", FROM_0, "line 2: label 3 is out of the range 0 to 2"),
        ("a/1.avi 1\na/2.avi 3", FROM_0, "line 2: label 3 is out of the range 0 to 2"),
        (
            "bend/1.avi 2\njack/2.avi 0",
            FROM_0,
            "line 1: bend/1.avi has the label of 'wave': is labels.csv the label",
        ),
        (
            "a/1.avi 0.0\na/2.avi 1.0",
            NAMES,
            "line 1: 'a/1.avi 0.0' is not `path label`, the label a whole number",
        ),
        (
            "a/1.avi -1\na/2.avi 1",
            NAMES,
            "line 1: 'a/1.avi -1' is not `path label`, the label a whole number",
        ),
        ("fly/1.avi\nbend/2.avi", NAMES, "line 1: 'fly/1.avi' is not `path label`"),
        ("1.avi 0\n2.avi 1", None, "numbers its classes: name them as in DATA,labels.csv"),
        ("bend/1.avi 0\nbend/2.avi 1", None, "numbers its classes: name them as in DATA,labels.csv"),
        ("bend/1.avi 0\njack/2.avi 2", None, "numbers its classes: name them as in DATA,labels.csv"),
        ("1.avi\n2.avi", None, "line 1: '1.avi' is not `path label`"),
    ],
)
def test_labels_that_may_mean_other_classes_are_refused(
    tmp_path: Path, text: str, labels: LabelFile | None, said: str
) -> None:
    with pytest.raises(InvalidInput) as raised:
        a_list(tmp_path, text, labels)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bend/1.avi 0\njack/2.avi 1", EXPECTED),
        ("bend/1.avi 1\njack/2.avi 2", EXPECTED),
        ("jack/2.avi 0\nbend/1.avi 1", EXPECTED[::-1]),
        ("bend/1.avi\njack/2.avi", EXPECTED),
        ("bend/1.avi 1\njack/2.avi 2\njack/3.avi", [*EXPECTED, ("jack/3.avi", "jack")]),
        ("\"bend/a b.avi\" 0\n'jack/2 3.avi' 1", [("bend/a b.avi", "bend"), ("jack/2 3.avi", "jack")]),
        ("bend/a b.avi 0\njack/2 3.avi 1", [("bend/a b.avi", "bend"), ("jack/2 3.avi", "jack")]),
        ("bend/1.avi,0\njack/2.avi,1", EXPECTED),
        ("bend/1.avi, 0\njack/2.avi, 1", EXPECTED),
        ("# split 1\npath label\nbend/1.avi 0\njack/2.avi 1", EXPECTED),
        ("bend\\1.avi 0\njack\\2.avi 1", [("bend\\1.avi", "bend"), ("jack\\2.avi", "jack")]),
        (
            "bend/b1 10 0\njack/j1 12 1",
            [("bend/b1", "bend"), ("jack/j1", "jack")],
        ),  # mmaction: folder frames label
        (
            "bend/b1 0 10 0\njack/j1 5 12 1",
            [("bend/b1", "bend"), ("jack/j1", "jack")],
        ),  # folder first frames label
        ("a/1.avi jump\na/2.avi fly", [("a/1.avi", "jump"), ("a/2.avi", "fly")]),
    ],
)
def test_lists_without_a_label_file_are_named_by_their_lines(
    tmp_path: Path, text: str, expected: list[tuple[str, str]]
) -> None:
    assert rows_of(a_list(tmp_path, text)) == expected


def test_several_numbers_after_a_video_are_several_classes(tmp_path: Path) -> None:
    listing = a_list(tmp_path, "a.avi 0 2\nb.avi 1", NAMES)
    assert [(video.file, video.label, video.more_labels) for video in listing.videos] == [
        ("a.avi", 0, (2,)),
        ("b.avi", 1, ()),
    ]
    assert listing.remarks == ("1 line with several numbers: these are several classes of a video",)
    for text, strange in (("a.avi 0 9\nb.avi 1", 9), ("a.avi 1 0\nb.avi 3", 0)):
        with pytest.raises(InvalidInput, match=rf"line 1: label {strange} is out of the range"):
            a_list(tmp_path, text, NAMES)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("classInd.txt", "1 ApplyEyeMakeup\n2 Archery\n", (("ApplyEyeMakeup", "Archery"), 1)),
        ("classInd.txt", "0 ApplyEyeMakeup\n1 Archery\n", (("ApplyEyeMakeup", "Archery"), 0)),
        ("labels.txt", "run\n2 hands\n", (("run", "2 hands"), None)),
        ("labels.txt", "walk 1\nrun 0\nsit down 2\n", (("run", "walk", "sit down"), 0)),
        ("labels.txt", "run\t1\nwalk\t2\n", (("run", "walk"), 1)),
        ("labels.txt", "wave 1\nwave 2\n", (("wave 1", "wave 2"), None)),
        ("labels.txt", "wave 1\nrun\n", (("wave 1", "run"), None)),
        ("labels.csv", "id,name\n0,run\n1,walk, fast\n", (("run", "walk, fast"), 0)),
        ("labels.csv", "label_id;name\n2;walk\n1;run\n", (("run", "walk"), 1)),
        ("labels.tsv", "1\trun\n2\twalk\n", (("run", "walk"), 1)),
        ("labels.json", '["run", "walk"]', (("run", "walk"), None)),
        ("labels.json", '{"walk": "1", "run": "0"}', (("run", "walk"), 0)),
        ("labels.json", '{"1": "run", "2": "walk"}', (("run", "walk"), 1)),
    ],
)
def test_label_files(
    tmp_path: Path, name: str, text: str, expected: tuple[tuple[str, ...], int | None]
) -> None:
    (path := tmp_path / name).write_text(text)
    labels = read_label_file(path)
    assert (labels.names, labels.first_id) == expected


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "labels.csv",
            "0,run\n2,walk\n",
            "has 2 classes but none with id 1: number them without gaps from 0 or 1",
        ),
        ("classInd.txt", "1 run\n3 walk\n", "has 2 classes but none with id 2"),
        ("classInd.txt", "5 run\n6 walk\n", "has 2 classes but none with id 0"),
        ("classInd.txt", "1 run\n1 walk\n", "line 2: id 1 is given twice"),
        ("classInd.txt", "1 run\n2 run\n", "classes 1 and 2 are both called 'run'"),
        ("labels.json", '{"run": "x"}', "does not name classes"),
        ("labels.json", "{", "line 1 is not JSON"),
    ],
)
def test_label_files_with_gaps_or_repetitions_are_refused(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    (path := tmp_path / name).write_text(text)
    with pytest.raises(InvalidInput) as raised:
        read_label_file(path)
    assert said in str(raised.value)


def read(folder: Path, text: str, labels: str = "", name: str = "train.txt") -> LabeledVideos:
    (folder / name).write_text(text)
    (names := folder / "names.csv").write_text(labels)
    return read_own_splits(DataSource(str(folder / name), labels=names if labels else None))


@pytest.mark.parametrize(
    ("disk", "listed"),
    [
        (("wave/003.avi", "bend/001.avi", "jack/001.avi"), "bend/003.avi 0\nbend/001.avi 0\njack/001.avi 1"),
        (
            ("wave/003.avi", "jack/001.avi"),
            "bend/003.avi 0\njack/001.avi 1",
        ),  # the folder of the class is missing
        (("jack/003.avi", "jack/001.avi"), "bend/003.avi 0\njack/001.avi 1"),
        (("jack/003.avi", "jack/001.avi"), "003.avi 0\n001.avi 1"),
        (("x/jack/003.avi", "jack/001.avi"), "bending/003.avi 0\njack/001.avi 1"),
    ],
)
def test_a_missing_file_is_never_replaced_by_one_of_another_class(
    tmp_path: Path, make_files: MakeFiles, disk: tuple[str, ...], listed: str
) -> None:
    make_files(tmp_path, disk)
    videos = read(tmp_path, listed, "0,bend\n1,jack\n")
    assert videos.missing == (listed.split()[0],)
    assert all(video.path.parent.name == videos.class_names[video.label] for video in videos.train)


def test_files_are_found_by_name_in_flat_folders_and_those_of_their_class(
    tmp_path: Path, make_files: MakeFiles
) -> None:
    make_files(tmp_path, ("all/v_1.mp4", "all/v_2.mp4"))
    videos = read(tmp_path, "bend/v_1.avi 0\njack/v_2.avi 1", "0,bend\n1,jack\n")
    assert [video.path.name for video in videos.train] == ["v_1.mp4", "v_2.mp4"]
    make_files(
        tmp_path, ("x/bend/v_3.mp4", "wave/v_3.avi", "x/jack/v_4.avi")
    )  # another suffix, and a namesake
    videos = read(tmp_path, "bend/v_3.avi 0\njack/v_4.avi 1", "0,bend\n1,jack\n")
    assert [video.path.relative_to(tmp_path).as_posix() for video in videos.train] == [
        "x/bend/v_3.mp4",
        "x/jack/v_4.avi",
    ]
    make_files(tmp_path, ("Bend/w_1.avi", "jack/w_2.avi"))
    videos = read(tmp_path, "w_1.avi 0\nmissing/w_2.avi 1", "0,bend\n1,jack\n")
    assert [video.path.parent.name for video in videos.train] == ["Bend", "jack"]


@pytest.mark.parametrize(
    "listed",
    [
        "bend\\003.avi",
        "C:\\data\\clips\\bend\\003.avi",
        "\\\\server\\share\\bend\\003.avi",
        "/home/me/clips/bend/003.avi",
        ".\\bend\\003.avi",
    ],
)
def test_paths_of_windows_and_of_other_computers_are_found(
    tmp_path: Path, make_files: MakeFiles, listed: str
) -> None:
    make_files(tmp_path, ("bend/003.avi", "jack/003.avi", "003.avi"))
    for name, text in (("t.csv", f"path,label\n{listed},bend\n"), ("train.txt", f"{listed} bend\n")):
        videos = read(tmp_path, text, name=name)
        assert [video.path for video in videos.train] == [tmp_path / "bend/003.avi"]
        is_absolute = listed[0] in "C/\\"
        assert videos.remarks == ("1 path of another computer found here by its last folders",) * is_absolute


def test_a_path_of_another_computer_needs_its_folder(tmp_path: Path, make_files: MakeFiles) -> None:
    make_files(tmp_path, ("003.avi",))
    assert read(tmp_path, "path,label\nC:\\clips\\003.avi,bend\n", name="t.csv").missing == (
        "C:\\clips\\003.avi",
    )
    videos = read(tmp_path, f"path,label\nC:\\{tmp_path.name}\\003.avi,bend\n", name="t.csv")
    assert [video.path.name for video in videos.train] == ["003.avi"]


def test_ucf101s_own_lists_are_read_as_a_folder(tmp_path: Path, make_files: MakeFiles) -> None:
    make_files(tmp_path, (f"{name}.avi" for name in ("Archery/v_Archery_g01_c01", "Diving/v_Diving_g01_c01")))
    make_files(tmp_path, ["Diving/v_Diving_g02_c01.avi"])
    (lists := tmp_path / "ucfTrainTestlist").mkdir()
    (lists / "trainlist01.txt").write_text("Archery/v_Archery_g01_c01.avi 1\nDiving/v_Diving_g01_c01.avi 2\n")
    (lists / "testlist01.txt").write_text("Diving/v_Diving_g02_c01.avi\n")
    (lists / "classInd.txt").write_text("1 Archery\n2 Diving\n")
    for labels in (None, lists / "classInd.txt"):
        videos = read_own_splits(DataSource(str(lists), labels=labels, root=tmp_path))
        assert videos.class_names == ("Archery", "Diving")
        assert [video.label for video in videos.train] == [0, 1]
        assert [video.path.name for video in videos.test] == ["v_Diving_g02_c01.avi"]


WILD = SHARED / "data_wild"


@pytest.mark.skipif(not WILD.is_dir(), reason="../shared/data_wild is missing")
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("label-files/testlist.txt,label-files/classInd.txt", "3 bend bend jack, 0 missing"),
        ("label-files/backslash.csv", "2 bend jack, 0 missing"),
        ("label-files/rawframes.txt", "2 bend jack, 0 missing"),
        ("label-files/rawframes.txt,label-files/labels.csv", "2 bend jack, 0 missing"),
        ("same-name/train.txt,same-name/labels.csv", "4 bending down bending down jumping jack"),
        ("label-files/float.csv", "the label '0.0' is not a class"),
        ("label-files/multi.jsonl", "4 bend+stand bend+stand jack jack, 0 missing"),
    ],
)  # fmt: skip
def test_label_files_as_people_have_them(data: str, expected: str) -> None:
    name, _, labels = data.partition(",")
    source = DataSource(str(WILD / name), labels=WILD / labels if labels else None)
    try:
        videos = read_own_splits(source)
        names = " ".join(
            "+".join(videos.class_names[label] for label in video.labels) for video in videos.train
        )
        said = f"{len(videos.train)} {names}, {len(videos.missing)} missing"
    except InvalidInput as error:
        said = str(error)
    assert expected in said


def test_a_marked_utf_16_list_is_read(tmp_path: Path) -> None:
    path = tmp_path / "train.txt"
    path.write_bytes(codecs.BOM_UTF16_LE + "bend/1.avi\r\njack/2.avi\r\n".encode("utf-16-le"))
    assert rows_of(read_own_lists({"train": path}, None, "DATA")) == EXPECTED
