"""`vifi cut` as a user runs it."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import av
import pytest

from tests.cli.conftest import Vifi
from tests.made_videos import Sound, noise, numbered_frames, textured_frames, write_video
from tests.video.export.played import play

ROOT = Path(__file__).parents[3]
Pipe = Callable[[str], None]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    folder = tmp_path / "videos"
    folder.mkdir()
    return write_video(
        folder / "numbers.mp4", numbered_frames(60), gop=25, sound=Sound(noise(6.0)), options={"crf": "30"}
    )


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Pipe:
    """Lets a test write what the command reads from a pipe."""

    def write(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(os.fsencode(text))))

    return write


def test_a_query_becomes_clips(vifi: Vifi, indexed: Path, tmp_path: Path) -> None:
    outcome = vifi("cut", "a cat", "--top", 2, "-o", tmp_path / "clips", "--json")
    assert outcome.exit_code == 0, outcome.stderr
    document = json.loads(outcome.stdout)
    hits = json.loads(vifi("search", "a cat", "--top", 2, "--json").stdout)["hits"]
    assert document["title"] == "a cat"
    for clip, hit in zip(document["clips"], hits, strict=True):
        assert (clip["path"], clip["score"]) == (hit["path"], pytest.approx(hit["relevance"], abs=1e-4))
        assert clip["start_seconds"] == pytest.approx(hit["start_seconds"], abs=0.1)
        with av.open(clip["clip"]) as container:
            seconds = float((container.duration or 0) / av.time_base)
        assert seconds == pytest.approx(hit["end_seconds"] - hit["start_seconds"], abs=0.1)
    assert Path(document["clips"][0]["clip"]).name == "01-pets-0m04s.mp4"


@pytest.mark.parametrize(
    "asked",
    [
        ("a cat", "+", "2:coffee"),
        ("pets.mp4@0:04-0:08", "-", "coffee", "--max-duration", "30"),
        ("a cat", "--newer", "1d", "--dedupe"),
    ],
)
def test_whatever_can_be_searched_for_can_be_cut(
    vifi: Vifi, indexed: Path, tmp_path: Path, asked: tuple[str, ...]
) -> None:
    what = [str(indexed / part) if part.startswith("pets") else part for part in asked]
    hits = json.loads(vifi("search", *what, "--top", 3, "--json").stdout)["hits"]
    assert hits
    document = json.loads(vifi("cut", *what, "--top", 3, "--list", tmp_path / "hits.m3u8", "--json").stdout)
    assert document["title"] == " ".join(part for part in what[: 3 if what[1] in "+-" else 1])
    listed = (tmp_path / "hits.m3u8").read_text()
    assert listed.count("#EXTINF") == len(hits)
    assert all(Path(hit["path"]).name in listed for hit in hits)


@pytest.mark.parametrize("form", [(), ("--json",), ("--jsonl",)])
def test_what_a_search_writes_can_be_piped_in(
    vifi: Vifi, indexed: Path, tmp_path: Path, pipe: Pipe, form: tuple[str, ...]
) -> None:
    pipe(vifi("search", "a rocket", "-t", 1, *form).stdout)
    outcome = vifi("cut", "-", "-o", tmp_path)
    assert outcome.exit_code == 0, outcome.stderr
    (line,) = outcome.stdout.splitlines()
    clip, start, end, path = line.split("\t")
    assert Path(clip) == tmp_path / "01-launch-0m00s.mp4"
    assert float(start) < float(end)
    assert Path(path) == indexed / "launch.mp4"


@pytest.mark.parametrize(
    ("options", "starts"),
    [
        ((), [1, 2, 3, 1]),
        (("-t", 2), [1, 2]),
        (("-t", 0), [1, 2, 3, 1]),
        (("--per-video", 1), [1, 1]),
        (("--min-score", 0.5), [1, 2, 1]),
        (("--path", "other.mp4"), [1]),
        (("--older", "1h"), [1]),
        (("--newer", "1h", "-t", 2), [1, 2]),
    ],
)
def test_options_that_choose_hits_hold_for_those_of_a_pipe_too(
    vifi: Vifi, video: Path, tmp_path: Path, pipe: Pipe, options: tuple[object, ...], starts: list[int]
) -> None:
    other = video.with_name("other.mp4")
    other.write_bytes(video.read_bytes())
    os.utime(other, (0, 0))
    moments = [(0.9, 1, video), (0.5, 2, video), (0.1, 3, video), (0.8, 1, other)]
    pipe("".join(f"{score}\t{start}\t{start + 1}\t{path}\n" for score, start, path in moments))
    outcome = vifi("cut", "-", "--list", tmp_path / "hits.m3u8", *options)
    assert outcome.exit_code == 0, outcome.stderr
    listed = re.findall(r"start-time=(\d)", (tmp_path / "hits.m3u8").read_text())
    assert list(map(int, listed)) == starts


def test_options_that_moments_cannot_meet_are_refused(
    vifi: Vifi, video: Path, tmp_path: Path, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIFI_TOP", "1")
    moments = [f"{video}@{start}-{start + 1}" for start in range(3)]
    where = ("--list", tmp_path / "hits.m3u8")
    for option in ("--dedupe", "--unsure", "--min-duration=3", "--max-duration=3"):
        outcome = vifi("cut", *moments, *where, option)
        assert outcome.exit_code == 2
        assert f"{option.partition('=')[0]} is for searches" in outcome.stderr
    assert (
        "comes without a score: omit --min-score" in vifi("cut", *moments, *where, "--min-score", 0.5).stderr
    )
    assert "--copy is for clips" in vifi("cut", *moments, *where, "--copy").stderr
    pipe("\n".join(moments))
    outcome = vifi("cut", "-", *where, "--path", "nowhere")
    assert (outcome.exit_code, outcome.stderr) == (1, "none of 3 moments meets your options\n")
    assert vifi("cut", *moments, *where).exit_code == 0
    assert (tmp_path / "hits.m3u8").read_text().count("#EXTINF") == 3, "the setting is for searches"


def test_named_moments_need_no_index(vifi: Vifi, video: Path, tmp_path: Path) -> None:
    outcome = vifi("cut", f"{video}@0:01-0:02.5", f"{video}@5-", "-o", tmp_path / "clips", "--pad", 0.2)
    assert outcome.exit_code == 0, outcome.stderr
    first, second = (Path(line.split("\t")[0]) for line in outcome.stdout.splitlines())
    assert play(first).numbers == list(range(8, 27))
    assert play(second).numbers == list(range(48, 60))
    assert play(first).sound is not None


def test_copying_says_how_early_clips_begin(vifi: Vifi, video: Path, tmp_path: Path) -> None:
    outcome = vifi("cut", f"{video}@3-4", f"{video}@2.5-4", "-o", tmp_path / "clips", "--copy")
    assert outcome.exit_code == 0
    assert outcome.stderr == "01-numbers-0m03s.mp4: begins 0.50 s early, at a keyframe\n"
    first, start, *_ = outcome.stdout.splitlines()[0].split("\t")
    assert play(Path(first)).numbers[:10] == list(range(25, 35))
    assert float(start) == 2.5


def test_a_reel_lists_and_a_page_are_made_in_one_go_and_no_clips(
    vifi: Vifi, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outputs = ["--reel", "out/reel.mp4", "--list", "cuts.edl", "--list", "cuts.otio", "--html", "page.html"]
    outcome = vifi("cut", f"{video}@0:01-0:02", f"{video}@0:04-0:05", *outputs)
    assert outcome.exit_code == 0, outcome.stderr
    names = ["out/reel.mp4", "cuts.edl", "cuts.otio", "page.html"]
    assert outcome.stdout.splitlines() == [str(tmp_path / name) for name in names]
    assert play(tmp_path / "out" / "reel.mp4").numbers == [*range(10, 20), *range(40, 50)]
    assert "an EDL has one frame rate, here 30: numbers.mp4 runs at 10" in outcome.stderr
    assert not (tmp_path / "clips").exists()
    document = json.loads(vifi("cut", f"{video}@0:01-0:02", "--reel", "again.mp4", "--json").stdout)
    assert document["reel"]["moments"] == [{"path": str(video), "at_seconds": 0.0}]


class Page(HTMLParser):
    """All addresses on a page, the tags it has, and its text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: dict[str, list[str]] = {"src": [], "href": []}
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name in self.addresses:
                self.addresses[name].append(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_holds_all_it_needs_and_leads_to_the_clips(vifi: Vifi, video: Path, tmp_path: Path) -> None:
    vifi("cut", f"{video}@0:01-0:02", "-o", tmp_path / "my clips", "--html", tmp_path / "page.html")
    page = Page(tmp_path / "page.html")
    assert page.addresses["href"] == ["my%20clips/01-numbers-0m01s.mp4"]
    assert len(page.addresses["src"]) == 2
    assert all(address.startswith("data:image/webp;base64,") for address in page.addresses["src"])
    assert not page.tags & {"script", "link", "iframe"}
    assert "url(" not in (tmp_path / "page.html").read_text()
    vifi("cut", f"{video}@0:01-0:02", "--html", tmp_path / "alone.html")
    assert Page(tmp_path / "alone.html").addresses["href"] == [f"{video.as_uri()}#t=1.000,2.000"]


def test_no_name_can_put_anything_on_the_page(vifi: Vifi, video: Path, tmp_path: Path, pipe: Pipe) -> None:
    evil = tmp_path / os.fsdecode(b'"><img src=x onerror=alert(1)><script>alert(2)<!--\n\xff\xe2\x80\xae.mp4')
    evil.write_bytes(video.read_bytes())
    hit = {"path": str(evil), "start_seconds": 1.0, "end_seconds": 2.0, "score": 0.3}
    pipe(json.dumps({"query": "<script>alert(3)</script>", "hits": [hit]}))
    outcome = vifi(
        "cut", "-", "--html", tmp_path / "page.html", "--list", tmp_path / "cuts.edl", "-o", tmp_path
    )
    assert outcome.exit_code == 0, outcome.stderr
    page = Page(tmp_path / "page.html")
    assert "Score 0.30" in page.text, "a search would have said which number it is"
    assert "script" not in page.tags
    assert not any(name.startswith("on") for name in page.attributes)
    assert "<script>alert(3)</script>" in page.text
    assert '"><img src=x onerror=alert(1)>' in page.text
    assert "\u202e" not in page.text
    assert (tmp_path / "01-img-src-x-onerror-alert-1-script-alert-2-0m01s.mp4").exists()


def test_a_bad_video_costs_only_itself(vifi: Vifi, video: Path, tmp_path: Path) -> None:
    bad = video.with_name("bad.mp4")
    bad.write_bytes(b"no video")
    reel, page = tmp_path / "reel.mp4", tmp_path / "page.html"
    moments = [f"{bad}@0-1", f"{video}@0:01-0:02", f"{video}@1:00-1:01", "nowhere.mp4@0-1"]
    outcome = vifi("cut", *moments, "-o", tmp_path / "clips", "--reel", reel, "--html", page, "--json")
    assert outcome.exit_code == 3
    document = json.loads(outcome.stdout)
    assert [Path(clip["clip"]).name for clip in document["clips"]] == ["02-numbers-0m01s.mp4"]
    assert play(reel).numbers == list(range(10, 20))
    assert [Path(one["path"]).name for one in document["failed"]] == ["bad.mp4", "numbers.mp4", "nowhere.mp4"]
    assert "not cut: " in outcome.stderr
    assert "it ends at 6.0 s, before 60.0 s" in outcome.stderr
    outcome = vifi("cut", f"{bad}@0-1", "-o", tmp_path / "none", "--reel", tmp_path / "none.mp4")
    assert (outcome.exit_code, outcome.stdout) == (3, "")
    assert not (tmp_path / "none").exists()


def test_nothing_is_overwritten_unasked(vifi: Vifi, video: Path, tmp_path: Path) -> None:
    there = tmp_path / "01-numbers-0m01s.mp4"
    there.write_bytes(b"mine")
    outcome = vifi("cut", f"{video}@1-2", f"{video}@1-2", "-o", tmp_path)
    assert outcome.exit_code == 2
    assert f"{there} already exists: choose another place, or add --overwrite" in outcome.stderr
    assert there.read_bytes() == b"mine"
    assert len(list(tmp_path.iterdir())) == 2
    assert vifi("cut", f"{video}@1-2", "-o", tmp_path, "--overwrite").exit_code == 0
    assert play(there).numbers == list(range(10, 20))


def test_no_video_is_ever_replaced_by_what_is_cut_from_it(vifi: Vifi, video: Path, tmp_path: Path) -> None:
    before = video.read_bytes()
    (tmp_path / "link.mp4").symlink_to(video)
    for target in (video, tmp_path / "link.mp4"):
        outcome = vifi("cut", f"{video}@1-2", "--reel", target, "--overwrite")
        assert outcome.exit_code == 2
        assert "is one of the videos" in outcome.stderr
    assert video.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a cat",), "nothing is indexed yet"),
        (("@1-2", "--reel", "reel.avi"), "a reel is an MP4: end its name with .mp4"),
        (("@1-2", "--list", "cuts.xml"), "cuts.xml is not a kind of list"),
        (("@1-2", "--reel", "a.mp4", "--html", "a.mp4"), "would be written twice"),
        (("@2-1",), "the end is not after the start"),
        (("",), "name a moment of it, as in"),
        (("@1-2", "--html", "."), "is a folder"),
        (("@1-2", "--html", "notes.txt"), "a page is HTML: end its name with .html"),
    ],
)
def test_wrong_usage_is_said_in_one_line(
    vifi: Vifi,
    video: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    what, *options = arguments
    outcome = vifi("cut", what if what == "a cat" else f"{video}{what}", *options)
    assert outcome.exit_code == 2
    assert message in outcome.stderr
    assert outcome.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == [video.parent]


def test_no_hits_is_exit_code_1(vifi: Vifi, indexed: Path, tmp_path: Path, pipe: Pipe) -> None:
    outcome = vifi("cut", "quarterly interest rate decision", "-o", tmp_path / "clips")
    assert (outcome.exit_code, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith("nothing relevant found")
    assert "as a word" not in outcome.stderr
    outcome = vifi("cut", "2", "--min-score", 0.99, "-o", tmp_path / "clips")
    assert (outcome.exit_code, outcome.stdout) == (1, "")
    assert outcome.stderr.endswith(
        "2 was searched for as a word: to cut a hit of your last search, name its moment, as in trip.mp4@1:20-1:28\n"
    )
    outcome = vifi("cut", "a cat", "--path", "nowhere", "-o", tmp_path / "clips")
    assert (outcome.exit_code, outcome.stderr) == (
        1,
        "no hits among the videos asked for: no indexed path matches nowhere; "
        "`vifi status` shows what is indexed\n",
    )
    pipe('{"query": "a cat", "hits": []}')
    assert vifi("cut", "-", "-o", tmp_path / "clips").exit_code == 1
    pipe("rubbish")
    assert vifi("cut", "-").exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_stops_and_keeps_what_was_written(vifi: Vifi, tmp_path: Path) -> None:
    """A separate process bounds the size of files, also for the processes it starts."""
    quiet = write_video(tmp_path / "quiet.mp4", numbered_frames(20))
    loud = write_video(tmp_path / "loud.mp4", textured_frames(40, height=480, width=640))
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
        "from vifi_cli.__main__ import main; main()"
    )
    arguments = ["cut", f"{quiet}@0-1", f"{loud}@0-4", f"{quiet}@1-2", "-o", str(tmp_path / "clips")]
    outcome = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, timeout=120
    )
    assert outcome.returncode == 2
    assert b"File too large: check free disk space" in outcome.stderr
    assert [path.name for path in (tmp_path / "clips").iterdir()] == ["01-quiet-0m00s.mp4"]
    assert play(tmp_path / "clips" / "01-quiet-0m00s.mp4").numbers == list(range(10))


@pytest.mark.slow
def test_ctrl_c_keeps_the_clips_that_are_done(tmp_path: Path) -> None:
    video = write_video(tmp_path / "texture.mp4", textured_frames(100, height=240, width=320))
    moments = [f"{video}@0-10"] * 40
    command = [sys.executable, "-m", "vifi_cli", "cut", *moments, "-o", str(tmp_path / "clips")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    first = tmp_path / "clips" / "01-texture-0m00s.mp4"
    deadline = time.monotonic() + 60
    while not first.exists() and time.monotonic() < deadline:
        pass
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr.decode()
    counted = re.fullmatch(rb"interrupted: ([0-9]+) clips? of 40 written and kept\n", stderr)
    assert counted, stderr
    written = sorted((tmp_path / "clips").iterdir())
    assert len(written) == int(counted[1]) >= 1
    for clip in written:
        with av.open(str(clip)) as container:
            assert sum(1 for _ in container.decode(video=0)) == 100
