"""Searches that are more than one description: sums, examples, filters, and what looks like a moment."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import Outcome, Vifi
from vifi_cli.api.library.demo import photograph

ROOT = Path(__file__).parents[3]


def names(outcome: Outcome) -> list[str]:
    """The videos of the hits, best first."""
    assert outcome.exit_code == 0, outcome.stderr
    return [Path(hit["path"]).stem for hit in json.loads(outcome.stdout)["hits"]]


def refused(outcome: Outcome) -> str:
    """The message of a search that makes no sense, in one line."""
    assert outcome.exit_code == 2, outcome.stdout
    assert outcome.stdout == ""
    assert outcome.stderr.count("\n") == 1
    assert "bug" not in outcome.stderr
    return outcome.stderr


@pytest.fixture
def cat_photo(tmp_path: Path) -> Path:
    path = tmp_path / "cat.png"
    Image.fromarray(photograph("chelsea")).save(path)
    return path


def test_terms_are_added_and_taken_away(vifi: Vifi, indexed: Path) -> None:
    best = {"a cat": "pets", "a rocket": "launch"}
    for wanted, other in (("a cat", "a rocket"), ("a rocket", "a cat")):
        assert names(vifi("search", wanted, "+", f"0.1:{other}", "--json", "-t", 1)) == [best[wanted]]
        both = vifi("search", "a cat", "+", "a rocket", "-", f"1.5:{other}", "--json", "-t", 1)
        assert names(both) == [best[wanted]]
        assert json.loads(both.stdout)["query"] == f"a cat + a rocket - 1.5:{other}"
    assert set(names(vifi("search", "a cat", "+", "a rocket", "--json", "-t", 2))) == {"pets", "launch"}


def test_several_words_are_one_description(vifi: Vifi, indexed: Path) -> None:
    assert vifi("search", "a", "cup", "of", "coffee").stdout == vifi("search", "a cup of coffee").stdout


def test_a_picture_finds_what_looks_like_it(vifi: Vifi, indexed: Path, cat_photo: Path) -> None:
    outcome = vifi("search", cat_photo, "--json", "-t", 1)
    (hit,) = json.loads(outcome.stdout)["hits"]
    assert Path(hit["path"]).stem == "pets"
    assert hit["start_seconds"] >= 3.0
    assert hit["cosine"] > 0.8
    assert hit["relevance"] is None, "pictures are not rated"
    assert names(vifi("search", cat_photo, "+", "9:a rocket", "--json", "-t", 1)) == ["launch"]


def test_a_clip_finds_what_looks_like_it(vifi: Vifi, indexed: Path, tmp_path: Path) -> None:
    coffee = {"kitchen", "pets"}
    for part, found in (("@0:01-0:03", coffee), ("@0:06", {"pets"})):
        assert (
            set(names(vifi("search", f"{indexed / 'pets.mp4'}{part}", "--json", "-t", len(found)))) == found
        )
    unknown = tmp_path / "unknown.mp4"
    unknown.write_bytes((indexed / "pets.mp4").read_bytes() + b"\0")
    known = vifi("search", f"{indexed / 'pets.mp4'}@0:06", "--json")
    assert (
        json.loads(vifi("search", f"{unknown}@0:06", "--json").stdout)["hits"]
        == json.loads(known.stdout)["hits"]
    )


def test_a_clip_that_is_indexed_loads_no_encoder_and_words_no_torch(
    vifi: Vifi, indexed: Path, cat_photo: Path
) -> None:
    for heavy, query in (
        (("torch", "onnxruntime", "vifi_cli.model.runtime.encoder"), [f"{indexed / 'pets.mp4'}@0:06"]),
        (("torch", "av", "PIL"), ["a dog that nobody asked for", "+", "2:a beach", "--min-score", "0"]),
        (("torch",), [str(cat_photo), "-", "coffee"]),
    ):
        code = (
            "import sys; from vifi_cli.__main__ import main\n"
            f"sys.argv = {['vifi', 'search', *query]!r}\n"
            "main_ended = 0\n"
            "try: main()\n"
            "except SystemExit as stop: main_ended = stop.code\n"
            f"print(main_ended, [name for name in {heavy} if name in sys.modules], file=sys.stderr)"
        )
        outcome = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=120, check=True
        )
        assert outcome.stderr.decode().split("\n")[-2] == "0 []", query
        assert outcome.stdout


def test_similar_leaves_the_moment_itself_out(vifi: Vifi, indexed: Path) -> None:
    kitchen, pets = indexed / "kitchen.mp4", indexed / "pets.mp4"
    assert names(vifi("similar", kitchen, "--json"))[0] == "pets"
    assert "kitchen" not in names(vifi("similar", kitchen, "--json", "-t", 0))
    assert names(vifi("similar", f"{pets}@0:01-0:03", "--json", "-t", 1)) == ["kitchen"]
    hits = json.loads(vifi("similar", f"{pets}@0:05-0:07", "--json", "-t", 0, "--per-video", 0).stdout)[
        "hits"
    ]
    own = [hit for hit in hits if hit["path"] == str(pets)]
    assert own
    assert all(hit["end_seconds"] <= 5 or hit["start_seconds"] >= 7 for hit in own)
    assert "pets" not in names(vifi("similar", f"{pets}@0:05-0:07", "--by", "video", "--json"))


def test_similar_to_a_picture_and_in_a_pipe(vifi: Vifi, indexed: Path, cat_photo: Path) -> None:
    score, *_, path = vifi("similar", cat_photo, "-t", 1).stdout.split("\t")
    assert float(score) > 0.8
    assert path.strip() == str(indexed / "pets.mp4")
    outcome = vifi("similar", indexed / "pets.mp4", "--path", "pets.mp4")
    assert outcome.exit_code == 1
    assert "no hits among the videos asked for" in outcome.stderr


def test_copies_are_folded_and_counted(vifi: Vifi, starter: None, clips: Path, tmp_path: Path) -> None:
    shutil.copytree(clips, tmp_path / "clips")
    for number in range(3):
        content = (clips / "launch.mp4").read_bytes()
        (tmp_path / "clips" / f"copy{number}.mp4").write_bytes(content + bytes([number]))
    vifi("index", tmp_path / "clips", "--model", "starter")
    outcome = vifi("search", "a rocket", "--dedupe", "--json", "-t", 2, "--min-score", 0)
    rocket, other = json.loads(outcome.stdout)["hits"]
    assert rocket["duplicates"] == 3
    assert Path(other["path"]).stem in {"pets", "kitchen", "nothing"}
    left_out = rocket["duplicates"] + other["duplicates"]
    assert f"left out as looking nearly the same: {left_out} more hits" in outcome.stderr
    assert "duplicates" not in vifi("search", "a rocket", "--json").stdout


def test_filters_by_time_of_change_and_length(vifi: Vifi, starter: None, clips: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    shutil.copytree(clips, folder)
    day = 86_400 * 10**9
    for number, name in enumerate(("kitchen", "pets", "launch", "nothing")):
        changed = (folder / "kitchen.mp4").stat().st_ctime_ns - number * day
        os.utime(folder / f"{name}.mp4", ns=(changed, changed))
    vifi("index", folder, "--model", "starter")

    def found(*options: str) -> set[str]:
        return set(names(vifi("search", "a cat", "--json", "-t", 0, "--min-score", 0, *options)))

    assert found("--newer", "36h") == {"kitchen", "pets"}
    assert found("--older", "36h") == {"launch", "nothing"}
    assert found("--newer", "2.5d", "--older", "12h") == {"pets", "launch"}
    assert found("--min-duration", "3", "--newer", "2000-01-01") == {"kitchen", "pets", "launch"}
    assert found("--max-duration", "0:03") == {"nothing"}
    assert found("--min-duration", "5s", "--max-duration", "1h") == {"pets"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["a cat", "-", "a cat"], "cancel each other out"),
        (["a cat", "+"], "nothing stands after the last +"),
        (["gone.jpg"], "gone.jpg: no such file"),
        (["./gone"], "gone: no such file"),
        (["a cat", "--newer", "soon"], "--newer soon: neither a date"),
        (["a cat", "--min-duration", "long"], "--min-duration long: not a length of time"),
        (["a cat", "--newer", "7d", "--older", "8d"], "no video is both newer than 7d and older than 8d"),
        (["a cat", "--min-duration", "2h", "--max-duration", "1:30"], "no video lasts at least 2h"),
    ],
)
def test_what_makes_no_sense_is_one_line(vifi: Vifi, indexed: Path, arguments: list[str], says: str) -> None:
    assert says in refused(vifi("search", *arguments))


def test_examples_that_cannot_be_seen_are_one_line(vifi: Vifi, indexed: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff no picture")
    pets = indexed / "pets.mp4"
    assert "pets.mp4 ends at 8.0 s, before 80.0 s" in refused(vifi("search", f"{pets}@1:20"))
    assert "pets.mp4 ends at 8.0 s, before 80.0 s" in refused(vifi("similar", f"{pets}@1:20-1:28"))
    assert "broken.jpg" in refused(vifi("search", broken))
    assert "is a folder" in refused(vifi("similar", tmp_path))
    assert "soon is not a time in a video" in refused(vifi("similar", f"{pets}@soon"))
    assert "no such file" in refused(vifi("similar", tmp_path / "gone.mp4@0:01"))


def test_a_weight_alone_is_told_of(vifi: Vifi, indexed: Path) -> None:
    outcome = vifi("search", "24: Legacy", "--json")
    assert 'read as "Legacy" with the weight 24' in outcome.stderr
    assert '"text:24: Legacy" searches for the literal words' in outcome.stderr
    assert vifi("search", "text:24: Legacy", "--json", "--min-score", 0).stderr == ""
    assert vifi("search", "3:10 to Yuma", "--json", "--min-score", 0).stderr == ""


def test_words_that_are_wanted_are_rated_and_others_are_not(vifi: Vifi, indexed: Path) -> None:
    def relevance(*query: str) -> list[float | None]:
        hits = json.loads(vifi("search", *query, "--json", "--min-score", 0).stdout)["hits"]
        return [hit["relevance"] for hit in hits]

    assert None not in relevance("a cat")
    assert None not in relevance("a cat", "+", "0.5:a kitten")
    assert set(relevance("a cat", "-", "0.2:coffee")) == {None}
    nothing = vifi("search", "quarterly interest rates", "+", "a tax return")
    assert (nothing.exit_code, nothing.stdout) == (1, "")
    assert "nothing relevant found" in nothing.stderr
