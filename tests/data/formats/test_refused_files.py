"""What is not labeled videos is refused with what to name instead; odd tables and lists are read."""

from pathlib import Path

import pytest

from tests.data.conftest import MakeFiles
from vifi_cli.data.loading import read_own_splits
from vifi_cli.data.source import DataSource
from vifi_cli.errors import InvalidInput


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("clip.AVI", "is a video: name a folder with a folder per class"),
        ("clip.webm", "is a video"),
        ("clips.zip", "is an archive: unpack it"),
        ("clips.rar", "is an archive: unpack it"),
        ("clips.7z", "is an archive: unpack it"),
        ("labels.xlsx", "is a spreadsheet: save it as CSV"),
        ("labels.ods", "is a spreadsheet"),
        ("best.pth", "holds weights of a model: name it with --model"),
        ("model.safetensors", "holds weights of a model"),
        ("last.ckpt", "holds weights of a model"),
        ("labels.parquet", "is not a list of videos: save it as CSV"),
        ("labels.pkl", "is not a list of videos"),
        ("README.md", "is not a list of videos"),
        ("frame.png", "is not a list of videos"),
        ("model/model.safetensors", "is a model: name it with --model"),
        ("run/best/config.json", "is a run: name"),
        ("home/index/catalog.sqlite3", "holds an index"),
        ("empty/notes.txt", "has no videos in class folders"),
    ],
)
def test_what_is_not_labeled_videos_is_refused(
    tmp_path: Path, make_files: MakeFiles, file: str, said: str
) -> None:
    make_files(tmp_path, [file, "run/config.toml"])
    with pytest.raises(InvalidInput) as raised:
        read_own_splits(DataSource(str(tmp_path / file.partition("/")[0])))
    assert said in str(raised.value)
    assert str(tmp_path) in str(raised.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("train.csv", "a/1.avi 0\nb/2.avi 1\n"),  # as SlowFast and VideoMAE write lists
        ("table.txt", "path,label\na/1.avi,a\nb/2.avi,b\n"),
        ("table", "path\tlabel\na/1.avi\ta\nb/2.avi\tb\n"),
        ("table.json", '[{"path": "a/1.avi", "label": "a"}, {"video": "b/2.avi", "class": "b"}]'),
        ("table.tsv", "a/1.avi\ta\nb/2.avi\tb\n"),
    ],
)
def test_tables_and_lists_are_known_by_their_content(
    tmp_path: Path, make_files: MakeFiles, name: str, content: str
) -> None:
    make_files(tmp_path, ["a/1.avi", "b/2.avi"])
    (tmp_path / name).write_text(content)
    videos = read_own_splits(DataSource(str(tmp_path / name)))
    assert [(video.path.name, videos.class_names[video.label]) for video in videos.train] == [
        ("1.avi", "a"),
        ("2.avi", "b"),
    ]


def test_a_label_file_that_does_not_exist_is_named(tmp_path: Path, make_files: MakeFiles) -> None:
    make_files(tmp_path, ["a/1.avi", "b/2.avi"])
    with pytest.raises(InvalidInput, match=r"the label file .*names\.csv does not exist"):
        read_own_splits(DataSource.parse(f"{tmp_path},{tmp_path}/names.csv"))
