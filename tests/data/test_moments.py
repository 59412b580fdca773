"""Moments of long videos as labeled videos: read from tables, told apart, kept together, and checked."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.conftest import MakeFiles
from tests.made_videos import numbered_frames, write_video
from vifi_cli.api.data import split_data
from vifi_cli.api.training.prepare import digest_of
from vifi_cli.data.formats.tables.times import times_as_cells
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, digest_of_list
from vifi_cli.data.leaks import find_leaks, leaks_between, without_leaks
from vifi_cli.data.loading import load_labeled_videos, read_own_splits
from vifi_cli.data.source import DataSource
from vifi_cli.data.splits.holding_out import GroupsTooFew, split_fairly
from vifi_cli.data.splits.overlaps import SameFrames, joined_groups
from vifi_cli.data.splits.plan import SplitPlan
from vifi_cli.data.splits.random_splits import Shares
from vifi_cli.data.video_checks import check_videos
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.scoring.confidence_intervals import independent_groups
from vifi_cli.video.files.digests import equal_files
from vifi_cli.video.moment import WHOLE_VIDEO, TimeRange

A, B = Path("/v/a.mp4"), Path("/v/b.mp4")


def moment(path: Path, start: float, end: float = float("inf"), label: int = 0) -> LabeledVideo:
    return LabeledVideo(path, label, part=TimeRange(start, end))


def table(folder: Path, text: str, name: str = "t.csv") -> DataSource:
    (folder / name).write_text(text)
    return DataSource(str(folder / name))


@pytest.fixture
def long(tmp_path: Path, make_files: MakeFiles) -> Path:
    make_files(tmp_path, ("a.mp4", "b.mp4", "c.mp4"))
    return tmp_path


@pytest.mark.parametrize(
    ("start", "end", "part"),
    [
        ("12.5", "20", TimeRange(12.5, 20.0)),
        ("1:02:03.5", "1:02:04", TimeRange(3723.5, 3724.0)),
        ("00:12", "", TimeRange(12.0)),
        ("", "0:07.250", TimeRange(0.0, 7.25)),
        ("", "", WHOLE_VIDEO),
        ("0", "", WHOLE_VIDEO),
        ("5.551115123125783e-17", "1e1", TimeRange(5.551115123125783e-17, 10.0)),
    ],
)
def test_start_and_end_are_seconds_or_timecodes(long: Path, start: str, end: str, part: TimeRange) -> None:
    source = table(long, f"path,label,start,end\na.mp4,run,{start},{end}\nb.mp4,walk,,\n")
    (video, other) = read_own_splits(source).train
    assert (video.part, other.part) == (part, WHOLE_VIDEO)


def test_jsonl_takes_numbers_text_and_null(long: Path) -> None:
    lines = [
        '{"path": "a.mp4", "label": "run", "start": 1, "end": 2.5}',
        '{"path": "a.mp4", "label": "walk", "start": "0:03", "end": null}',
    ]
    videos = read_own_splits(table(long, "\n".join(lines), "t.jsonl")).train
    assert [video.part for video in videos] == [TimeRange(1.0, 2.5), TimeRange(3.0)]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ("5,5", "line 2: the end, 5, is not after the start, 5"),
        ("0:10,3", "line 2: the end, 3, is not after the start, 0:10"),
        (",0", "line 2: the end, 0, is not after the start, 0"),
        ("-1,3", "line 2: start '-1' is not a time: write seconds, as in 12.5, or 1:02:03.5"),
        ("soon,3", "line 2: start 'soon' is not a time"),
        ("1,nan", "line 2: end 'nan' is not a time"),
        ("1,1:75", "line 2: end '1:75' is not a time"),
        ("1,inf", "line 2: end 'inf' is not a time"),
        ("1e999,", "line 2: start '1e999' is not a time"),
    ],
)
def test_times_that_make_no_sense_are_refused_by_line(long: Path, cells: str, said: str) -> None:
    source = table(long, f"path,label,start,end\na.mp4,run,{cells}\n")
    with pytest.raises(InvalidInput) as caught:
        read_own_splits(source)
    assert f"t.csv, {said}" in str(caught.value)


def test_moments_of_a_file_are_different_videos_and_equal_ones_count_once(long: Path) -> None:
    rows = ["a.mp4,run,0,5", "a.mp4,walk,0,6", "a.mp4,run,5,9", "a.mp4,run,0.0,0:05", "b.mp4,walk,,"]
    videos = read_own_splits(table(long, "path,label,start,end\n" + "\n".join(rows)))
    assert [(video.name, video.label) for video in videos.train] == [
        ("a.mp4@0:00-0:05", 0),
        ("a.mp4@0:00-0:06", 1),
        ("a.mp4@0:05-0:09", 0),
        ("b.mp4", 1),
    ]
    assert videos.remarks == (
        "1 lines repeat another and count once",
        "3 moments of 1 file: those of one file belong together, unless groups are given",
        "2 moments mostly overlap with moments of other classes: each counts for its own class alone, unless a .jsonl "
        "table lists all classes of a moment",
    )
    with pytest.raises(InvalidInput, match=r"a\.mp4@0:00-0:05 is labeled 'run' and 'walk'"):
        read_own_splits(table(long, "path,label,start,end\na.mp4,run,0,5\na.mp4,walk,,5\n"))
    lines = [
        '{"path": "a.mp4", "label": ["run", "walk"], "end": 5}',
        '{"path": "a.mp4", "label": "run", "end": 5}',
    ]
    with pytest.raises(InvalidInput, match=r"a\.mp4@0:00-0:05 is labeled 'run', 'walk' and 'run': keep one"):
        read_own_splits(table(long, "\n".join(lines), "t.jsonl"))


def test_an_absent_file_counts_once_whatever_its_moments(long: Path) -> None:
    rows = ["gone.mp4,run,0,5", "gone.mp4,walk,5,6", "a.mp4,run,5,9", "a.mp4,walk,1,2"]
    videos = read_own_splits(table(long, "path,label,start,end\n" + "\n".join(rows)))
    assert videos.missing == ("gone.mp4",)
    assert "1 of 2 listed videos are not on disk" in videos.remarks


def test_moments_of_a_file_stay_in_one_split(long: Path, make_files: MakeFiles) -> None:
    make_files(long, [f"{place}.mp4" for place in range(10)])
    rows = [
        f"{place}.mp4,{'run' if at % 2 else 'walk'},{at},{at + 1}" for place in range(10) for at in range(6)
    ]
    source = table(long, "path,label,start,end\n" + "\n".join(rows))
    videos = load_labeled_videos(source)
    assert len(videos.train) + len(videos.test) == 60
    assert not {video.path for video in videos.train} & {video.path for video in videos.test}
    assert set(independent_groups(videos.test)) == {str(video.path) for video in videos.test}
    assert any("complete groups" in remark for remark in videos.remarks)


def test_a_single_file_is_too_little_to_hold_out_fairly_and_the_advice_works(long: Path) -> None:
    rows = [f"a.mp4,{'run' if at % 2 else 'walk'},{at},{at + 1}" for at in range(20)]
    source = table(long, "path,label,start,end\n" + "\n".join(rows))
    with pytest.raises(GroupsTooFew, match=r"the 20 videos of .*t\.csv come from 1 file, too few to hold"):
        load_labeled_videos(source)
    split_data(source, long / "split.csv", SplitPlan(group_by=".+"))
    videos = load_labeled_videos(DataSource(str(long / "split.csv")))
    assert (len(videos.train), len(videos.val), len(videos.test)) == (12, 4, 4)
    assert {video.group for video in videos.train} == {video.name for video in videos.train}


def test_a_split_is_written_with_the_times_that_it_was_read_with(long: Path) -> None:
    text = (
        "path,label,start,end\na.mp4,run,3723.125,1:02:04.0001\na.mp4,walk,,7\nb.mp4,run,2.5,\nb.mp4,walk,,\n"
    )
    read = read_own_splits(table(long, text))
    split_data(table(long, text), long / "split.csv", SplitPlan(val=0, test=0))
    assert (long / "split.csv").read_text() == (
        "path,label,split,start,end\na.mp4,run,train,3723.125,3724.0001\na.mp4,walk,train,,7\n"
        "b.mp4,run,train,2.5,\nb.mp4,walk,train,,\n"
    )
    again = read_own_splits(DataSource(str(long / "split.csv")))
    assert again.train == read.train
    assert digest_of(again) == digest_of(read)
    for seconds in (1e-5, 0.1 + 0.2, 86_400.123456789):
        assert float(times_as_cells(TimeRange(seconds))["start"]) == seconds


def test_digests_tell_parts_apart_and_are_unchanged_without_any() -> None:
    complete = LabeledVideos("set", ("a", "b"), (LabeledVideo(A, 0), LabeledVideo(B, 1)))
    assert digest_of(complete) == "ac697ceed94f2c08"
    parts = [replace(complete, train=(moment(A, 0, end), LabeledVideo(B, 1))) for end in (5, 6)]
    assert len({digest_of(videos) for videos in (complete, *parts)}) == 3
    assert len({digest_of_list(videos.train, ("a", "b")) for videos in (complete, *parts)}) == 3


@pytest.mark.parametrize(
    ("train", "held_out", "by"),
    [
        (moment(A, 0, 5), moment(A, 0, 5), "file"),
        (moment(A, 0, 5), moment(A, 4.9, 8), "file"),
        (moment(A, 0, 5), LabeledVideo(A, 0), "file"),
        (LabeledVideo(A, 0), moment(A, 7), "file"),
        (moment(A, 0, 5), moment(A, 5, 8), "moment"),
        (moment(A, 6), moment(A, 5, 6), "moment"),
        (moment(A, 0, 5), moment(B, 0, 5), None),
        (replace(moment(A, 0, 5), group="eve"), moment(A, 5, 8), "moment"),
        (replace(moment(A, 0, 5), group="eve"), replace(moment(A, 5, 8), group="ann"), None),
        (replace(moment(A, 0, 5), group="eve"), replace(moment(A, 5, 8), group="eve"), "group"),
    ],
)
def test_moments_leak_where_they_show_the_same_time(
    train: LabeledVideo, held_out: LabeledVideo, by: str | None
) -> None:
    videos = LabeledVideos("set", ("a", "b"), (train,), test=(held_out,))
    assert [leak.by for leak in find_leaks(videos)] == ([by] if by else [])
    assert [leak.by for leak in leaks_between([train], [held_out])] == (
        [by] if by in ("file", "group") else []
    )
    assert len(without_leaks(videos).train) == (by != "file")


spans = st.tuples(st.integers(0, 40), st.integers(1, 12) | st.just(10**6)).map(
    lambda span: moment(A, span[0] / 4, (span[0] + span[1]) / 4)
)


@given(st.lists(spans, max_size=12), spans)
def test_overlaps_are_found_among_many_moments(held_out: list[LabeledVideo], video: LabeledVideo) -> None:
    found = SameFrames(held_out).find(video)
    overlapping = [other for other in held_out if other.part.overlaps(video.part)]
    assert found in overlapping if overlapping else found is None


def test_moments_of_copies_leak_too(long: Path) -> None:
    (long / "copy.mp4").write_bytes((long / "a.mp4").read_bytes())
    train, tested = moment(long / "a.mp4", 0, 5), moment(long / "copy.mp4", 3, 9)
    assert [leak.by for leak in leaks_between([train], [tested])] == ["content"]
    assert leaks_between([train], [moment(long / "copy.mp4", 5, 9)]) == []
    named = moment(long / "else" / "a.mp4", 4, 9)
    assert [leak.by for leak in leaks_between([train], [named], by_name=True)] == ["name"]
    assert leaks_between([train], [replace(named, part=TimeRange(5, 9))], by_name=True) == []


def test_moments_of_a_file_are_no_copies_of_each_other(long: Path) -> None:
    parts = tuple(moment(long / "a.mp4", at, at + 1, at % 2) for at in range(4))
    assert equal_files(video.path for video in parts) == []
    videos = LabeledVideos("set", ("a", "b"), parts[:2], test=parts[2:])
    assert [finding.kind for finding in check_videos(videos, decode=False).findings()] == ["moment leak"] * 2


def test_explicit_splits_within_one_file_are_used_with_a_caution(long: Path) -> None:
    rows = ["a.mp4,run,train,0,5", "a.mp4,walk,train,5,9", "a.mp4,run,test,9,12", "a.mp4,walk,test,12,14"]
    videos = load_labeled_videos(table(long, "path,label,split,start,end\n" + "\n".join(rows)))
    assert (len(videos.train), len(videos.test)) == (2, 2)
    assert "2 of 2 training videos are other moments of files that are held out too" in videos.remarks


def test_the_check_finds_moments_outside_their_file_and_decodes_it_once(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", numbered_frames(50), fps=10)
    path = tmp_path / "a.mp4"
    parts = [moment(path, *times) for times in ((0, 2), (2, 5.4), (3, 5.6), (5, 6), (4,))]
    heard: list[int] = []
    found = check_videos(LabeledVideos("set", ("a",), tuple(parts)), on_decoded=heard.append)
    assert heard == [1]
    assert found.durations is not None
    assert (found.durations.shortest, found.durations.longest) == (pytest.approx(1.0), pytest.approx(3.0))
    assert [(finding.kind, finding.subject, finding.detail) for finding in found.findings()] == [
        ("outside", f"{tmp_path}/a.mp4@0:03-0:05.6", "the file ends at 0:05"),
        ("outside", f"{tmp_path}/a.mp4@0:05-0:06", "the file ends at 0:05"),
    ]


def test_a_moment_has_a_name_an_address_and_a_link() -> None:
    named = [
        (video.name, video.address, video.link)
        for video in (moment(A, 62, 63.25), moment(A, 1), LabeledVideo(A, 0))
    ]
    assert named == [
        ("a.mp4@1:02-1:03.25", "/v/a.mp4@1:02-1:03.25", "file:///v/a.mp4#t=62.000,63.250"),
        ("a.mp4@0:01-", "/v/a.mp4@0:01-", "file:///v/a.mp4#t=1.000"),
        ("a.mp4", "/v/a.mp4", "file:///v/a.mp4"),
    ]


grouped = st.builds(
    lambda file, start, length, group: replace(
        moment(Path(file), start / 4, (start + length) / 4), group=f"g{group}"
    ),
    st.sampled_from(["/v/a.mp4", "/v/b.mp4"]),
    st.integers(0, 60),
    st.integers(1, 8),
    st.integers(0, 9),
)


@given(st.lists(grouped, max_size=14))
def test_groups_that_show_the_same_frames_become_one(videos: list[LabeledVideo]) -> None:
    joined = joined_groups(videos, [video.group for video in videos])
    assert set(joined) <= {video.group for video in videos}
    reached = {video.group: {video.group} for video in videos}  # by brute force
    for _ in videos:
        for one, other in product(videos, videos):
            if one.path == other.path and one.part.overlaps(other.part):
                both = reached[one.group] | reached[other.group]
                reached |= dict.fromkeys(both, both)
    for (one, name), (other, other_name) in product(zip(videos, joined, strict=True), repeat=2):
        assert (name == other_name) == (other.group in reached[one.group])


def test_windows_that_overlap_are_drawn_into_one_split(long: Path) -> None:
    rows = [
        f"a.mp4,{'run' if at % 2 else 'walk'},{at * 10 + shift},{at * 10 + shift + 4}"
        for at in range(15)
        for shift in (0, 2)
    ]
    source = table(long, "path,label,start,end\n" + "\n".join(rows))
    split_data(source, long / "split.csv", SplitPlan(group_by=".+"))
    videos = load_labeled_videos(DataSource(str(long / "split.csv")))
    assert (len(videos.train), len(videos.val), len(videos.test)) == (18, 8, 4)
    assert find_leaks(videos) == []


def test_the_check_finds_moments_without_a_frame(tmp_path: Path) -> None:
    path = write_video(tmp_path / "slides.mp4", numbered_frames(4), frame_seconds=[0.0, 5.0, 10.0, 15.0])
    parts = tuple(moment(path, *times) for times in ((0, 3), (6, 9), (6, 10.5), (11, 14)))
    found = check_videos(LabeledVideos("set", ("a",), parts))
    assert found.without_frame == (parts[1], parts[3])
    assert [(finding.kind, finding.subject) for finding in found.findings()] == [
        ("without frame", f"{path}@0:06-0:09"),
        ("without frame", f"{path}@0:11-0:14"),
    ]


def test_groups_that_are_given_win(long: Path) -> None:
    videos = [replace(moment(long / "a.mp4", at, at + 1, at % 2), group=f"p{at // 2}") for at in range(20)]
    parts = split_fairly(videos, Shares(0.2, 0.2), 0, "set")
    groups = [{video.group for video in members} for members in parts.values()]
    assert all(groups)
    assert not groups[0] & groups[1] | groups[0] & groups[2]


@pytest.mark.parametrize(
    ("head", "cells"),
    [
        ("path;label;start;end", "1,5;2,25"),
        ("path;label;start;end", "0:01,5;0:02,25"),
        ("path,label,start_timestamp,stop_timestamp", "00:00:01.5,00:00:02.25"),
        ("videoPath,ClassName,StartTime,EndTime", "1.5,2.25"),
        ("path,label,Start (s),Stop (s)", "1.5,2.25"),
    ],
)
def test_times_are_read_as_programs_write_them(long: Path, head: str, cells: str) -> None:
    mark = ";" if ";" in head else ","
    rows = [head, mark.join(("a.mp4", "run", cells)), mark.join(("b.mp4", "walk", cells))]
    assert {video.part for video in read_own_splits(table(long, "\n".join(rows))).train} == {
        TimeRange(1.5, 2.25)
    }


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("start,duration", "has starts, and the column 'duration' instead of ends"),
        ("start,length_sec", "has starts, and the column 'length_sec' instead of ends"),
        ("onset,offset", "unknown column 'onset'"),
        ("start_frame,end_frame", "unknown column 'start_frame'"),
        ("starttime,stoptime", "unknown column 'starttime'"),
        ("startFrame,endFrame", "unknown column 'startFrame'"),
        ("Start [ms],End [ms]", r"unknown column 'Start \[ms\]'"),
        ("start,unit", "unknown column 'unit'"),
        ("segment,rater", "unknown column 'segment'"),
        ("start_ms,end_ms", "unknown column 'start_ms'"),
    ],
)
def test_columns_that_say_when_are_never_ignored(long: Path, columns: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_own_splits(table(long, f"path,label,{columns}\na.mp4,run,1,2\nb.mp4,walk,1,2\n"))


def test_the_duration_of_a_file_is_no_end_of_a_moment(long: Path) -> None:
    rows = "path,label,duration,start,end\na.mp4,run,9,1,2\nb.mp4,walk,9,1,2\n"
    assert {video.part for video in read_own_splits(table(long, rows)).train} == {TimeRange(1, 2)}


def test_times_of_files_that_are_cut_already_are_those_of_their_origin(
    tmp_path: Path, make_files: MakeFiles
) -> None:
    make_files(tmp_path, ("x_000002_000012.mp4", "-y_1.5_3.mp4", "long.mp4"))
    head = "path,label,time_start,time_end\nx_000002_000012.mp4,run,2,12\n"
    cut = read_own_splits(table(tmp_path, f"{head}-y_1.5_3.mp4,walk,1.5,3.0\n"))
    assert [video.part for video in cut.train] == [WHOLE_VIDEO, WHOLE_VIDEO]
    assert "cut already" in " ".join(cut.remarks)
    mixed = read_own_splits(table(tmp_path, f"{head}long.mp4,walk,1.5,3\n"))
    assert [video.part for video in mixed.train] == [TimeRange(2, 12), TimeRange(1.5, 3)]


def test_training_is_told_that_times_may_not_be_seconds(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", numbered_frames(20), fps=10)
    write_video(tmp_path / "b.mp4", numbered_frames(30), fps=10)
    rows = "path,label,start,end\n" + "".join(
        f"{name}.mp4,{label},{start},{end}\n"
        for name in "ab"
        for label, start, end in (("run", 0, 900), ("walk", 1, 2))
    )
    (remark,) = (each for each in load_labeled_videos(table(tmp_path, rows)).remarks if "looked at" in each)
    assert remark.startswith(
        "2 of 4 moments looked at are not in their files, such as b.mp4@0:00-15:00 (the file ends at 0:03)"
    )


def test_the_digest_of_a_list_knows_all_classes_of_a_video() -> None:
    videos = [LabeledVideo(A, 0), LabeledVideo(A, 0, more_labels=(1,)), LabeledVideo(A, 0, more_labels=(2,))]
    assert len({digest_of_list([video], ("a", "b", "c")) for video in videos}) == 3


def test_moments_that_other_classes_share_are_counted(long: Path) -> None:
    rows = [
        "a.mp4,run,0,4",
        "a.mp4,walk,1,3",
        "a.mp4,run,3.5,5",
        "a.mp4,run,5,9",
        "a.mp4,walk,8,20",
        "b.mp4,walk,0,4",
    ]
    remarks = read_own_splits(table(long, "path,label,start,end\n" + "\n".join(rows))).remarks
    assert [remark.partition(":")[0] for remark in remarks if "overlap" in remark] == [
        "2 moments mostly overlap with moments of other classes"
    ]
