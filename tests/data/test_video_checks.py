"""The check finds what spoils training and results, the leak of the published few-shot lists among it."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.data.conftest import MakeFiles
from tests.made_videos import textured_frames, write_video
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, ucf101_group
from vifi_cli.data.loading import read_labeled_videos
from vifi_cli.data.paper_setting import Setting
from vifi_cli.data.source import DataSource
from vifi_cli.data.video_checks import DataCheck, Finding, NearDuplicate, check_videos

LABELS = {"hmdb": "hmdb_51_labels.csv", "ucf": "ucf_101_labels.csv"}


def labeled(folder: Path, *names: str) -> tuple[LabeledVideo, ...]:
    return tuple(
        LabeledVideo(folder / name, place % 2, ucf101_group(folder / name))
        for place, name in enumerate(names)
    )


def test_every_video_is_decoded(tmp_path: Path) -> None:
    for seed, color in enumerate(("red", "green", "blue")):
        write_video(tmp_path / f"{color}.mkv", textured_frames(40, seed=seed))
    content = (tmp_path / "blue.mkv").read_bytes()
    (tmp_path / "blue.mkv").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.mp4").write_text("no video")
    videos = LabeledVideos(
        "set", ("a", "b"), labeled(tmp_path, "red.mkv", "text.mp4", "blue.mkv", "green.mkv")
    )
    heard: list[int] = []
    found = check_videos(videos, on_decoded=heard.append)
    assert heard == [1, 2, 3, 4]
    assert [(broken.path.name, broken.is_readable) for broken in found.broken] == [
        ("text.mp4", False),
        ("blue.mkv", True),
    ]
    assert not found.is_fine
    assert check_videos(videos, decode=False).is_fine


def test_copies_missing_files_and_empty_classes_are_found(tmp_path: Path, make_files: MakeFiles) -> None:
    make_files(tmp_path, ("1.mp4", "2.mp4", "3.mp4"))
    shutil.copy(tmp_path / "1.mp4", tmp_path / "copy.mp4")
    train = labeled(tmp_path, "1.mp4", "2.mp4", "copy.mp4")
    fine = LabeledVideos("set", ("a", "b"), train[:2])
    assert check_videos(fine, decode=False).is_fine
    assert not check_videos(replace(fine, missing=("x.mp4",)), decode=False).is_fine
    assert check_videos(replace(fine, class_names=("a", "b", "c")), decode=False).empty_classes == ("c",)
    copies = check_videos(replace(fine, train=train), decode=False)
    assert copies.duplicates == ((tmp_path / "1.mp4", tmp_path / "copy.mp4"),)
    assert copies.leaks == ()
    leaking = check_videos(replace(fine, test=train[2:]), decode=False)
    assert [(leak.by, leak.split, leak.train.name, leak.held_out.name) for leak in leaking.leaks] == [
        ("content", "test", "1.mp4", "copy.mp4")
    ]


@pytest.mark.parametrize(
    ("name", "split", "leaked"),
    [("hmdb", 1, 0), ("hmdb", 2, 233), ("hmdb", 3, 254), ("ucf", 1, 0), ("ucf", 2, 627), ("ucf", 3, 623)],
)
def test_the_published_few_shot_lists_leak_into_splits_2_and_3(
    tmp_path: Path, make_files: MakeFiles, reference: Path, name: str, split: int, leaked: int
) -> None:
    lists = [f"{name}_splits_train1_few_shot_16.txt", f"{name}_splits_val{split}.txt"]
    for file in lists:
        shutil.copy(reference / "splits" / file, tmp_path)
        make_files(
            tmp_path / "videos", (line.split()[0] for line in (tmp_path / file).read_text().splitlines())
        )
    videos = read_labeled_videos(
        DataSource(str(tmp_path), split=split, labels=reference / "labels" / LABELS[name]),
        Setting("few-shot", 16),
    )
    assert len(videos.train) == 16 * len(videos.class_names)
    found = check_videos(videos, decode=False)
    assert sum(leak.by == "file" for leak in found.leaks) == leaked
    assert found.is_fine == (not leaked)


def test_a_class_that_is_trained_and_never_tested_is_named(tmp_path: Path, make_files: MakeFiles) -> None:
    make_files(tmp_path, ("1.mp4", "2.mp4", "3.mp4"))
    videos = labeled(tmp_path, "1.mp4", "2.mp4", "3.mp4")
    trained = LabeledVideos("set", ("a", "b"), (replace(videos[0], label=0), replace(videos[1], label=1)))
    assert check_videos(trained, decode=False).untested_classes == ()
    tested = replace(trained, test=(replace(videos[2], label=0),))
    assert check_videos(tested, decode=False).untested_classes == ("b",)


def test_near_duplicates_are_findings_with_their_similarity() -> None:
    train, held_out = LabeledVideo(Path("/a.mp4"), 0), LabeledVideo(Path("/b.mp4"), 0)
    videos = LabeledVideos("d", ("run",), (train,), (held_out,), ())
    found = DataCheck(videos, (), (), (), near_duplicates=(NearDuplicate(train, held_out, "val", 0.957),))
    assert found.findings() == (Finding("near duplicate", "/a.mp4", "/b.mp4 (0.96)", "val"),)
    assert not found.is_fine
    assert DataCheck(videos, (), (), (), near_duplicates=()).is_fine
