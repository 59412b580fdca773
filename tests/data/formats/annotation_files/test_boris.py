"""Projects of BORIS and the events that it exports, as versions 4 to 8 write them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.formats.annotation_files.conftest import rows_of
from vifi_cli.data.formats.annotation_files.boris_time import ObservedVideos
from vifi_cli.data.formats.annotation_files.moments import LabeledMoment
from vifi_cli.data.labeled_videos import LabeledVideos
from vifi_cli.data.loading import load_labeled_videos
from vifi_cli.data.source import DataSource
from vifi_cli.errors import InvalidInput

Write = Callable[[str, str], Path]

ETHOGRAM = {
    "0": {
        "type": "State event",
        "key": "g",
        "code": "groom",
        "description": "",
        "modifiers": "",
        "excluded": "",
    },
    "1": {
        "type": "State event",
        "key": "r",
        "code": "rest",
        "description": "",
        "modifiers": "",
        "excluded": "",
    },
    "2": {
        "type": "Point event",
        "key": "b",
        "code": "bark",
        "description": "",
        "modifiers": "",
        "excluded": "",
    },
}


def observation(events: list[list[Any]], files: list[str], **changes: Any) -> dict[str, Any]:
    """An observation as BORIS 8 saves it, with 10 seconds for each video."""
    return {
        "file": {"1": files, "2": []},
        "type": "MEDIA",
        "date": "2024-05-29T11:01:03",
        "description": "",
        "time offset": 0.0,
        "events": events,
        "independent_variables": {},
        "close_behaviors_between_videos": False,
        "media_info": {
            "length": dict.fromkeys(files, 10.0),
            "fps": dict.fromkeys(files, 25.0),
            "hasVideo": dict.fromkeys(files, True),
            "offset": {"1": 0.0, "2": 0.0},
        },
    } | changes


def project(**observations: dict[str, Any]) -> str:
    return json.dumps(
        {
            "time_format": "hh:mm:ss",
            "project_name": "dogs",
            "project_format_version": "7.0",
            "subjects_conf": {"0": {"key": "1", "name": "rex", "description": ""}},
            "behaviors_conf": ETHOGRAM,
            "observations": observations,
        }
    )


def test_a_project_gives_state_events_by_subject_and_modifier(write: Write) -> None:
    events = [
        [1.5, "rex", "groom", "paw", "", 38],
        [2.0, "ada", "groom", "paw", "", 50],
        [3.0, "rex", "bark", "", "", 75],
        [4.0, "rex", "groom", "paw", "", 100],
        [5.0, "ada", "groom", "tail", "", 125],
        [6.5, "ada", "groom", "paw", "", 160],
        [7.0, "", "rest", "", "", 175],
        [9.0, "", "rest", "", "", 225],
    ]
    write("a.mp4", "a")
    path = write("dogs.boris", project(first=observation(events, ["a.mp4"])))
    rows, remarks = rows_of(str(path))
    assert rows == [
        ("a.mp4", "groom", 1.5, 4.0, ""),
        ("a.mp4", "groom", 2.0, 6.5, ""),
        ("a.mp4", "rest", 7.0, 9.0, ""),
    ]
    assert "several subjects are in one video: a video is a group, not a subject" in remarks
    assert "left out 1 point event, which has no end" in remarks
    assert "left out 1 state event without its end" in remarks


def test_videos_one_after_the_other_and_the_offset_of_an_observation(write: Write) -> None:
    """BORIS adds the offset to the times of all events, and counts on through the videos of a player."""
    events = [
        [103.0, "", "rest", "", ""],
        [105.0, "", "rest", "", ""],
        [108.0, "", "groom", "", ""],
        [112.0, "", "groom", "", ""],
        [112.5, "", "rest", "", ""],
        [115.0, "", "rest", "", ""],
        [121.0, "", "groom", "", ""],
        [124.0, "", "groom", "", ""],
    ]
    for name in ("a.mp4", "sub/b.mp4", "c.mp4"):
        write(name, name)
    files = ["/home/user/video/a.mp4", "C:\\videos\\b.mp4", "c.mp4"]
    path = write("dogs.boris", project(first=observation(events, files, **{"time offset": 100.0})))
    rows, remarks = rows_of(str(path))
    assert rows == [
        ("a.mp4", "rest", 3.0, 5.0, ""),
        ("b.mp4", "rest", 2.5, 5.0, ""),
        ("c.mp4", "groom", 1.0, 4.0, ""),
    ]
    assert "left out 1 state event across two videos" in remarks


def test_drawn_splits_keep_subjects_apart_or_else_videos(write: Write) -> None:
    """Moments of two subjects may overlap, so a subject is held out only where no video shows another one."""

    def dogs(*subjects: tuple[str, str]) -> LabeledVideos:
        observations = {}
        for number, (first, second) in enumerate(subjects):
            write(f"{number}.mp4", str(number))
            times = [
                (0.0, first, "rest"),
                (0.5, second, "groom"),
                (2.0, first, "rest"),
                (2.5, second, "groom"),
            ]
            events = [[seconds, subject, behavior, "", ""] for seconds, subject, behavior in times]
            observations[str(number)] = observation(events, [f"{number}.mp4"])
        return load_labeled_videos(DataSource(str(write("dogs.boris", project(**observations)))))

    alone = dogs(("rex", "rex"), ("ada", "ada"), ("rex", "rex"), ("bob", "bob"), ("eve", "eve"))
    assert {video.group for video in alone.all_videos()} == {"rex", "ada", "bob", "eve"}
    assert {video.group for video in alone.val}.isdisjoint({video.group for video in alone.train})
    together = dogs(("rex", "ada"), ("ada", "rex"), ("rex", "ada"), ("bob", "bob"), ("eve", ""))
    assert {video.path for video in together.val}.isdisjoint({video.path for video in together.train})
    assert together.train
    assert together.val


@given(
    lengths=st.lists(st.floats(1, 1000), min_size=1, max_size=5),
    offset=st.floats(-100, 100_000),
    place=st.integers(0, 4),
    start=st.floats(0, 0.9),
)
def test_events_are_found_in_their_videos(
    lengths: list[float], offset: float, place: int, start: float
) -> None:
    place = min(place, len(lengths) - 1)
    files = tuple(f"{number}.mp4" for number in range(len(lengths)))
    begin, length = sum(lengths[:place]), lengths[place]
    first, last = start * length, (start + 0.05) * length
    moment = ObservedVideos(files, tuple(lengths), offset).moment(
        "rest", begin + first + offset, begin + last + offset, ""
    )
    assert isinstance(moment, LabeledMoment)
    assert moment.file == files[place]
    assert moment.part.start_seconds == pytest.approx(first, abs=1e-6)
    assert moment.part.end_seconds == pytest.approx(last, abs=1e-6)


def test_observations_without_a_steady_video_are_left_out(write: Write) -> None:
    events = [[1.0, "", "rest", "", ""], [2.0, "", "rest", "", ""], [3.0, "", "flight", "", ""]]
    write("a.mp4", "a")
    text = project(
        good=observation(events, ["a.mp4"], file={"1": ["a.mp4"], "2": ["b.mp4"]}),
        live=observation(events, [], file=[], type="LIVE", media_info={"offset": {}}),
        dated=observation(events, ["a.mp4"], media_creation_date_as_offset=True),
        late=observation(events, ["a.mp4"], media_info={"offset": {"1": 2.0}}),
    )
    rows, remarks = rows_of(str(write("dogs.boris", text)))
    assert rows == [("a.mp4", "rest", 1.0, 2.0, "")]
    assert "left out 1 observation without a video" in remarks
    assert any(remark.startswith("left out 2 observations with times") for remark in remarks)
    assert "left out 1 video of a second player, beside the first" in remarks
    assert "left out 1 event that the ethogram does not have" in remarks


OLD_AGGREGATED = """\
Observation id,Observation date,Description,Media file,Total length,FPS,Subject,Behavior,Behavioral category,Modifiers,\
Behavior type,Start (s),Stop (s),Duration (s)
o1,2016-12-01 23:01:31,,a.mp4,539.920,25.0,No focal subject,s,,,STATE,1.800,8.125,6.325
o1,2016-12-01 23:01:31,,a.mp4,539.920,25.0,subject1,p,,,POINT,32.825,32.825,NA
o2,2016-12-01 23:01:31,,b.mp4,10.0,25.0,subject1,t,,,STATE,3.000,4.500,1.500
""".replace(",", "\t")


def test_aggregated_events_of_version_4(write: Write) -> None:
    write("a.mp4", "a")
    write("b.mp4", "b")
    rows, remarks = rows_of(str(write("events.tsv", OLD_AGGREGATED)))
    assert rows == [("a.mp4", "s", 1.8, 8.125, ""), ("b.mp4", "t", 3.0, 4.5, "subject1")]
    assert "left out 1 point event, which has no end" in remarks


def test_aggregated_events_of_version_8(write: Write) -> None:
    """It names all videos of the observation and their lengths, so that times in the second are known."""
    header = (
        "Observation id,Observation date,Description,Observation type,Source,Time offset (s),Coding duration,"
        "Media duration (s),FPS (frame/s),Subject,Observation duration by subject by observation,Behavior,"
        "Behavioral category,Modifier #1,Behavior type,Start (s),Stop (s),Duration (s),Media file name,"
        "Image index start,Image index stop,Image file path start,Image file path stop,Comment start,Comment stop"
    )
    source = "player #1:D:\\film\\a.mp4;b.mp4|player #2:c.mp4"
    about = f"o1,2025-09-06 14:58:19,,Media file,{source},0.0,19.9,9.960;9.960|5.0,25.000;25.000|25.000"
    lines = [
        header,
        f'{about},rex,9,"sit, still",Not defined,,STATE,1.000,2.500,1.500,a.mp4,25,62,NA,NA,,',
        f"{about},rex,9,run,Not defined,fast,STATE,12.000,15.000,3.000,b.mp4,50,125,NA,NA,,",
        f"{about},rex,9,run,Not defined,fast,STATE,16.000,NA,NA,b.mp4,150,NA,NA,NA,,",
        "o2,2025-09-06 14:58:19,,Live observation,NA,0.0,9,NA,NA,rex,9,run,,,STATE,1.0,2.0,1.0,NA,,,,,,",
    ]
    write("a.mp4", "a")
    write("b.mp4", "b")
    rows, remarks = rows_of(str(write("events.csv", "\n".join(lines))))
    assert rows == [("a.mp4", "sit, still", 1.0, 2.5, "rex"), ("b.mp4", "run", 2.04, 5.04, "rex")]
    assert "left out 1 state event without its end" in remarks
    assert "left out 1 observation without a video" in remarks


def test_tabular_events_old_and_new(write: Write) -> None:
    write("a.mp4", "a")
    old = (
        "Observation id\to1\t\t\n\t\t\t\nMedia file(s)\t\t\t\nPlayer #1\ta.mp4\t\t\nTime offset (s)\t1.0\t\t\n"
        "Time\tMedia file path\tTotal length\tFPS\tSubject\tBehavior\tBehavioral category\tComment\tStatus\n"
        "4.300\ta.mp4\t359.960\t25.0\tx\tsit\t\t\tSTART\n8.750\ta.mp4\t359.960\t25.0\tx\tsit\t\t\tSTOP\n"
        "9.000\ta.mp4\t359.960\t25.0\tx\tlie\t\t\tSTART\n9.500\ta.mp4\t359.960\t25.0\tx\tlie\t\t\tSTOP\n"
    )
    assert rows_of(str(write("old.tsv", old)))[0] == [
        ("a.mp4", "sit", 3.3, 7.75, "x"),
        ("a.mp4", "lie", 8.0, 8.5, "x"),
    ]
    new = (
        "Observation id,Observation date,Description,Observation duration,Observation type,Source,Time offset (s),"
        "Media duration (s),FPS,Subject,Behavior,Behavioral category,Behavior type,Time,Media file name,Image index,"
        "Image file path,Comment\n"
        "o1,2024,,9,Media file(s),player #1:a.mp4,0.0,10.000,25.000,x,sit,,START,1.000,a.mp4,25,NA,\n"
        "o1,2024,,9,Media file(s),player #1:a.mp4,0.0,10.000,25.000,x,nod,,POINT,1.500,a.mp4,37,NA,\n"
        "o1,2024,,9,Media file(s),player #1:a.mp4,0.0,10.000,25.000,x,sit,,STOP,2.000,a.mp4,50,NA,\n"
    )
    rows, remarks = rows_of(str(write("new.csv", new)))
    assert rows == [("a.mp4", "sit", 1.0, 2.0, "x")]
    assert remarks == ("left out 1 point event, which has no end",)


def test_the_header_says_what_separates_cells(write: Write) -> None:
    """Excel saves CSV with semicolons in much of Europe; and a few tabs may stand among many commas."""
    write("a.mp4", "a")
    write("b.mp4", "b")
    expected = [("a.mp4", "s", 1.8, 8.125, ""), ("b.mp4", "t", 3.0, 4.5, "subject1")]
    assert (
        rows_of(str(write("excel.csv", "\ufeff" + OLD_AGGREGATED.replace("\t", ";").replace("\n", "\r\n"))))[
            0
        ]
        == expected
    )
    decimal_commas = OLD_AGGREGATED.replace(".000", ",000").replace("1.800", "1,8").replace("8.125", "8,125")
    assert (
        rows_of(str(write("germany.csv", decimal_commas.replace("\t", ";").replace("4.5", "4,5"))))[0]
        == expected
    )
    described = OLD_AGGREGATED.replace("23:01:31\t", "23:01:31\t" + "so, well, " * 50)
    assert rows_of(str(write("commas.tsv", described)))[0] == expected


def test_events_that_are_not_in_the_video_are_left_out(write: Write) -> None:
    write("a.mp4", "a")
    times = [("-0.4", 2.0), ("-3.0", 2.0), ("-5", "-4"), ("NaN", 3.0), (1.0, "NaN"), (4.0, 4.0), (5.0, 5.5)]
    events = "".join(f'[{start}, "", "rest", ""], [{end}, "", "rest", ""], ' for start, end in times)
    text = project(a=observation([], ["a.mp4"])).replace('"events": []', f'"events": [{events[:-2]}]')
    rows, remarks = rows_of(str(write("dogs.boris", text)))
    assert rows == [("a.mp4", "rest", 0.0, 2.0, ""), ("a.mp4", "rest", 5.0, 5.5, "")]
    assert "left out 2 annotations from before their videos" in remarks
    assert "left out 3 annotations that do not last" in remarks


def test_old_exports_do_not_say_when_a_second_video_begins(write: Write) -> None:
    text = OLD_AGGREGATED.replace("\no2\t", "\no1\t")
    with pytest.raises(InvalidInput, match=r"no labeled moment: left out 2 events in one of several videos"):
        rows_of(str(write("events.tsv", text)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"behaviors_conf": {}, "observations": []}', "observations is not an object"),
        (
            '{"behaviors_conf": {}, "observations": {"a": {"file": {"1": "a.mp4"}}}}',
            "'a', player 1 is not a list",
        ),
        ("[" * 100_000, "nested too deeply"),
        ('{"behaviors_conf": ', "is not JSON"),
        (project(a=observation([["soon", "", "rest", ""]], ["a.mp4"])), "'soon' is not a time"),
        (project(a=observation([[1.0, "rest"]], ["a.mp4"])), "an event has 2 fields"),
        (project(), "has no labeled moment"),
    ],
)
def test_damaged_projects_are_refused_with_the_place(write: Write, text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        rows_of(str(write("dogs.boris", text)))


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("1.800", "soon", r"line 2, Start \(s\): 'soon' is not a time"),
        ("\ts\t", "\t\t", "line 2 has no behavior"),
        ("6.325", "6.325\tx\ty", "line 2 has 16 cells, the header 14"),
    ],
)
def test_damaged_tables_are_refused_with_the_line(
    write: Write, before: str, after: str, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        rows_of(str(write("events.tsv", OLD_AGGREGATED.replace(before, after))))
