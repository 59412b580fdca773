"""Cutting goes on when a file hangs the decoder, here a pipe that nobody writes to."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.made_videos import numbered_frames, recordings_joined, write_video
from tests.video.export.played import play
from vifi_cli.api.cut import plan
from vifi_cli.api.cut.moments import TitledMoments, parse_moments
from vifi_cli.api.cut.render import CutRendering, CutReport, cut
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.video.export.probe import ProbedMoment, VideoFacts, video_facts
from vifi_cli.video.moment import Moment
from vifi_cli.video.workers.isolated_worker import IsolatedWorker


@pytest.fixture
def run() -> Iterator[CutRendering]:
    with IsolatedWorker(stall_seconds=5.0) as process:
        yield CutRendering(process, AUTOMATIC, CutReport())


@pytest.fixture
def ready(tmp_path: Path) -> dict[int, ProbedMoment]:
    """Moments of a video, of a file that hangs when it is opened, and of the video again."""
    video = write_video(tmp_path / "numbers.mp4", numbered_frames(30))
    hanging = tmp_path / "hanging.mp4"
    os.mkfifo(hanging)
    facts = video_facts(video)
    moments = [Moment(video, 0.0, 1.0), Moment(hanging, 0.0, 1.0), Moment(video, 2.0, 3.0)]
    return {position: ProbedMoment(one, facts) for position, one in enumerate(moments)}


@pytest.mark.slow
def test_a_reel_is_joined_without_the_video_that_hangs(
    run: CutRendering, ready: dict[int, ProbedMoment], tmp_path: Path
) -> None:
    run.write_reel(ready, tmp_path / "reel.mp4")
    assert play(tmp_path / "reel.mp4").numbers == [*range(10), *range(20, 30)]
    assert run.report.failed == {1: "decoding hung: nothing for 5 s"}
    assert run.report.reel is not None
    assert run.report.reel.starts_seconds == {0: 0.0, 2: 1.0}
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.slow
def test_clips_and_a_page_are_made_without_it(
    run: CutRendering, ready: dict[int, ProbedMoment], tmp_path: Path
) -> None:
    run.write_clips(ready, [tmp_path / f"{number}.mp4" for number in range(3)], copied=False)
    assert sorted(run.report.clips) == [0, 2]
    assert run.report.failed == {1: "decoding hung: nothing for 5 s"}
    run.write_pages({place: ready[place] for place in (1, 2)}, [tmp_path / "page.html"], "Moments")
    assert (tmp_path / "page.html").read_text().count("<li>") == 1


def test_moments_are_widened_within_their_video(run: CutRendering, tmp_path: Path) -> None:
    video = write_video(tmp_path / "numbers.mp4", numbered_frames(30))
    wanted = [Moment(video, start, end) for start, end in ((0.5, 1.0), (1.0, 2.0), (2.5, float("inf")))]
    ready = run.probe(wanted, 0.75)
    assert [(one.moment.start_seconds, one.moment.end_seconds) for one in ready.values()] == [
        (0.0, 1.75),
        (0.25, 2.75),
        (1.75, 3.0),
    ]
    assert ready[0].facts == VideoFacts(3.0, Fraction(10), 64, 160, has_sound=False)


def test_a_header_that_tells_too_little_is_not_believed(run: CutRendering, tmp_path: Path) -> None:
    joined = recordings_joined(tmp_path)
    wanted = [Moment(joined, start, end) for start, end in ((2.5, 3.5), (9.0, 10.0), (2.5, float("inf")))]
    ready = [one.moment for one in run.probe(wanted, 0.0).values()]
    assert [(one.start_seconds, one.end_seconds) for one in ready] == [(2.5, 3.5), (2.5, 4.0)]
    assert run.report.failed == {1: "it ends at 4.0 s, before 9.0 s"}


def test_many_moments_take_several_pages_that_link_to_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "MOST_ON_PAGE", 2)
    video = write_video(tmp_path / "numbers.mp4", numbered_frames(30))
    gone = Moment(tmp_path / "gone.mp4", 0.0, 1.0)
    moments = [Moment(video, float(start), start + 0.5) for start in range(3)]
    report = cut([*moments, gone, gone, gone, moments[0]], html=tmp_path / "a b.html")
    assert [path.name for path in report.others] == ["a b.html", "a b-2.html", "a b-4.html"], "none is empty"
    assert report.remarks == ["4 moments take 3 pages that link to each other: open a b.html first"]
    ranks = [re.findall(r'class="rank">(\d+)<', path.read_text()) for path in report.others]
    assert ranks == [["1", "2"], ["3"], ["7"]]
    links = re.findall(r'<a href="([^"#]*)"( aria-current="page")?>', report.others[1].read_text())
    assert links == [("a%20b.html", ""), ("a%20b-2.html", ' aria-current="page"'), ("a%20b-4.html", "")]


def test_a_json_list_names_the_number_and_is_read_again(tmp_path: Path) -> None:
    video = write_video(tmp_path / "numbers.mp4", numbered_frames(30))
    moments = (Moment(video, 0.0, 1.0, 0.7501, score_name="Relevance"), Moment(video, 2.0, 2.5))
    found = (replace(moments[0], score=0.75009876), moments[1])
    report = cut(found, lists=[tmp_path / "cuts.json", tmp_path / "cuts.csv"], title="numbers")
    assert report.remarks == []
    assert parse_moments((tmp_path / "cuts.json").read_text()) == TitledMoments(moments, "numbers")
    assert (tmp_path / "cuts.csv").read_text().splitlines() == [
        "path,start_seconds,end_seconds,score",
        f"{video},0.0,1.0,0.7501",
        f"{video},2.0,2.5,",
    ]
