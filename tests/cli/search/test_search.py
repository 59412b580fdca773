import base64
import io
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Vifi
from vifi_cli.index.catalog.query_cache import CACHE_FILE
from vifi_cli.index.relevance.curve import WORTH_SHOWING
from vifi_cli.video.export.preview import still_pixels


def test_the_moment_comes_back_with_its_time(vifi: Vifi, indexed: Path) -> None:
    outcome = vifi("search", "a cat", "--json")
    assert outcome.exit_code == 0
    document = json.loads(outcome.stdout)
    assert set(document) == {"query", "model", "hits"}
    assert (document["query"], document["model"]) == ("a cat", "starter")
    best = document["hits"][0]
    assert set(best) == {"path", "start_seconds", "end_seconds", "relevance", "cosine", "unsure"}
    assert 0.5 < best["relevance"] <= 1
    assert best["unsure"] is False
    assert -1 <= best["cosine"] <= 1
    assert Path(best["path"]) == indexed / "pets.mp4"
    assert 3.0 <= best["start_seconds"] < best["end_seconds"] <= 8.1


def test_in_a_pipe_a_hit_is_a_line_of_tab_separated_cells(vifi: Vifi, indexed: Path) -> None:
    lines = vifi("search", "a rocket", "-t", 2, "--min-score", 0).stdout.splitlines()
    assert len(lines) == 2
    relevance, start, end, path = lines[0].split("\t")
    assert Path(path) == indexed / "launch.mp4"
    assert float(start) < float(end)
    assert 0 <= float(lines[1].split("\t")[0]) <= float(relevance) <= 1


def test_what_is_hardly_there_is_left_out(vifi: Vifi, indexed: Path) -> None:
    everything = json.loads(vifi("search", "a cat", "--json", "--min-score", 0).stdout)["hits"]
    shown = json.loads(vifi("search", "a cat", "--json").stdout)["hits"]
    assert shown == [hit for hit in everything if hit["relevance"] >= WORTH_SHOWING]
    assert {Path(hit["path"]).name for hit in shown} == {"pets.mp4"}
    enough = shown[0]["relevance"] - 0.01
    assert json.loads(vifi("search", "a cat", "--json", "--min-score", enough).stdout)["hits"] == shown[:1]


@pytest.mark.parametrize("query", ["asdf qwer", "quarterly interest rate decision"])
def test_nonsense_finds_nothing_relevant(vifi: Vifi, indexed: Path, query: str) -> None:
    outcome = vifi("search", query)
    assert (outcome.exit_code, outcome.stdout) == (1, "")
    shown = vifi("search", query, "--min-score", 0)
    assert shown.exit_code == 0
    best = float(shown.stdout.split("\t")[0])
    assert f"nothing relevant found: the best hit has a relevance of {best:.2f}" in outcome.stderr
    assert "--min-score 0" in outcome.stderr
    assert json.loads(vifi("search", query, "--json").stdout)["hits"] == []


def test_neutral_texts_are_read_once_and_that_is_told(vifi: Vifi, indexed: Path, vifi_home: Path) -> None:
    said = "texts that relevance is measured by"
    assert said not in vifi("search", "a cat").stderr
    (vifi_home / "cache" / CACHE_FILE).unlink()
    assert said in vifi("search", "a cat").stderr
    assert said not in vifi("search", "a rocket").stderr


def test_one_document_a_hit(vifi: Vifi, indexed: Path) -> None:
    hits = [json.loads(line) for line in vifi("search", "a rocket", "--jsonl").stdout.splitlines()]
    assert Path(hits[0]["path"]).name == "launch.mp4"


def test_paths_only_each_once(vifi: Vifi, indexed: Path) -> None:
    paths = vifi("search", "coffee", "-f", "--per-video", 0, "-t", 0, "--min-score", 0).stdout.splitlines()
    assert len(paths) == len(set(paths)) == 4
    ended_by_nul = vifi("search", "coffee", "-0", "-t", 0, "--min-score", 0).stdout
    assert ended_by_nul.split("\0")[:-1] == paths
    assert "\n" not in ended_by_nul


def test_by_video_gives_one_hit_a_file(vifi: Vifi, indexed: Path) -> None:
    outcome = vifi("search", "a cup of coffee", "--by", "video", "--json", "--min-score", 0)
    hits = json.loads(outcome.stdout)["hits"]
    assert len(hits) == 4
    assert {Path(hit["path"]).name for hit in hits[:2]} == {"kitchen.mp4", "pets.mp4"}


@pytest.mark.parametrize("options", [("--path", "nowhere"), ("--path", "*.mkv", "--json")])
def test_no_hits_is_exit_code_1(vifi: Vifi, indexed: Path, options: tuple[str, ...]) -> None:
    outcome = vifi("search", "a cat", *options)
    assert outcome.exit_code == 1
    assert "no hits" in outcome.stderr
    assert outcome.stdout == "" or json.loads(outcome.stdout)["hits"] == []


def test_path_limits_the_search(vifi: Vifi, indexed: Path) -> None:
    outcome = vifi("search", "a cat", "-f", "--path", "launch*", "--min-score", 0)
    paths = set(outcome.stdout.splitlines())
    assert paths == {str(indexed / "launch.mp4")}


def test_no_index_is_said_plainly(vifi: Vifi) -> None:
    outcome = vifi("search", "a cat")
    assert outcome.exit_code == 2
    assert outcome.stdout == ""
    assert outcome.stderr == "error: nothing is indexed yet: run `vifi index FOLDER` first\n"


def test_an_empty_query_is_said_plainly(vifi: Vifi) -> None:
    outcome = vifi("search", "  ")
    assert outcome.exit_code == 2
    assert "the query is empty" in outcome.stderr


def test_wrong_usage_is_exit_code_2(vifi: Vifi) -> None:
    assert vifi("search").exit_code == 2
    assert vifi("search", "a", "--top", "-1").exit_code == 2
    assert vifi("search", "a", "--by", "frame").exit_code == 2
    assert vifi("search", "a", "--min-score", "1.5").exit_code == 2


def test_files_that_have_gone_are_told_apart(vifi: Vifi, starter: None, clips: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.mp4"
    copy.write_bytes((clips / "launch.mp4").read_bytes())
    vifi("index", tmp_path, "--model", "starter")
    copy.unlink()
    outcome = vifi("search", "a rocket", "-t", 1)
    assert outcome.exit_code == 0
    assert "copy.mp4" in outcome.stdout
    assert "no longer where indexed" in outcome.stderr


def test_outputs_exclude_one_another(vifi: Vifi, indexed: Path) -> None:
    outcome = vifi("search", "a cat", "--json", "-f")
    assert outcome.exit_code == 2
    assert "choose one" in outcome.stderr


def test_a_query_that_is_no_text_is_said_plainly(vifi: Vifi, indexed: Path) -> None:
    outcome = vifi("search", os.fsdecode(b"caf\xe9"))
    assert outcome.exit_code == 2
    assert "not valid UTF-8" in outcome.stderr
    assert vifi("search", "café 🐈 猫", "--json", "--min-score", 0).exit_code == 0


@pytest.mark.parametrize("similar", [False, True])
def test_a_terminal_shows_the_nearest_hits_as_unsure_where_nothing_is_relevant(
    vifi: Vifi, indexed: Path, similar: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    asked = ("similar", indexed / "nothing.mp4", "--min-score", 0.99) if similar else ("search", "asdf qwer")
    everything = json.loads(vifi(*asked[:2], "--json", "--min-score", 0).stdout)["hits"]
    nearest = [hit | {"unsure": True} for hit in everything[:3]]
    shown = vifi(*asked, is_terminal=True)
    assert shown.exit_code == 1
    said = "nothing reaches --min-score 0.99" if similar else "nothing relevant found"
    assert f"{said}: these come nearest" in shown.stderr
    numbers = [hit["cosine" if similar else "relevance"] for hit in nearest]
    label = "below" if similar else "unsure"
    lines = [line for line in shown.stdout.splitlines() if label in line]
    labels = [re.search(rf"\x1b\[2m{label} (-?\d\.\d\d)\x1b", line) for line in lines]
    assert [found and float(found[1]) for found in labels] == [round(number, 2) for number in numbers], (
        "dimmed"
    )
    assert all(Path(hit["path"]).name in line for hit, line in zip(nearest, lines, strict=True))
    for form in ("--json", "--jsonl", "-f", "-0"):
        assert nearest[0]["path"] not in vifi(*asked, form, is_terminal=True).stdout, "for programs"

    assert json.loads(vifi(*asked, "--json").stdout)["hits"] == []
    included = vifi(*asked, "--json", "--unsure")
    assert (included.exit_code, json.loads(included.stdout)["hits"]) == (1, nearest)
    lines = vifi(*asked, "--unsure").stdout.splitlines()
    assert [line.split("\t")[3] for line in lines] == [hit["path"] for hit in nearest]
    assert len(vifi(*asked, "--unsure", "-t", 1).stdout.splitlines()) == 1


def test_a_likely_hit_below_a_threshold_of_the_user_is_not_called_unsure(vifi: Vifi, indexed: Path) -> None:
    best = json.loads(vifi("search", "tea", "--json", "-t", 1).stdout)["hits"][0]["relevance"]
    least = round(best + 0.01, 2)
    shown = vifi("search", "tea", "--min-score", least, "-t", 1, is_terminal=True)
    assert shown.exit_code == 1
    assert f"nothing reaches --min-score {least:g}: these come nearest" in shown.stderr
    assert f"below {best:.2f}" in shown.stdout
    assert "unsure" not in shown.stdout
    shown = vifi("similar", f"{indexed}/pets.mp4@0:06", "--min-score", 1, is_terminal=True)
    assert "below 0." in shown.stdout, "a cosine says nothing about how sure a hit is"
    assert "unsure" not in shown.stdout


def test_steps_are_rows_under_their_hit(vifi: Vifi, indexed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    asked = ("search", "a cup of coffee", "then", "a cat", "--min-score", 0, "-t", 1, "--by", "video")
    (hit,) = json.loads(vifi(*asked, "--json", "--within", "30s").stdout)["hits"]
    assert Path(hit["path"]) == indexed / "pets.mp4"
    coffee, cat = hit["steps"]
    assert (coffee["query"], cat["query"]) == ("a cup of coffee", "a cat")
    assert hit["start_seconds"] == coffee["start_seconds"] < coffee["end_seconds"] <= cat["start_seconds"]
    assert hit["relevance"] == pytest.approx((coffee["relevance"] * cat["relevance"]) ** 0.5, abs=1e-3)
    rows = vifi(*asked, is_terminal=True).stdout.splitlines()[-3:]
    shown = zip(("pets.mp4", "  a cup of coffee", "  a cat"), rows, strict=True)
    assert all(text in row for text, row in shown)
    assert f"{cat['relevance']:.2f}" in rows[2]
    refused = vifi("search", "a cat", "--within", "30s")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--within limits the time between steps, and the query has one" in refused.stderr


def test_steps_for_which_no_video_has_room_are_no_hit(vifi: Vifi, indexed: Path) -> None:
    steps = " then ".join(["cat"] * 40).split()
    outcome = vifi("search", *steps, "--min-score", 0)
    assert (outcome.exit_code, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith("no hits: no video asked for shows the steps in this order; ")
    elsewhere = vifi("search", *steps, "--path", "nowhere")
    assert "no indexed path matches nowhere" in elsewhere.stderr


def test_what_is_relevant_is_not_joined_by_what_is_unsure(vifi: Vifi, indexed: Path) -> None:
    assert vifi("search", "a cat", "--unsure", "--jsonl").stdout == vifi("search", "a cat", "--jsonl").stdout
    assert "unsure" not in vifi("search", "a cat", is_terminal=True).stdout


def test_frames_are_shown_beside_hits_on_a_terminal(
    vifi: Vifi, indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-kitty")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("TMUX", raising=False)
    shown = vifi("search", "a cat", "-t", 1, "--thumbs", is_terminal=True)
    assert shown.exit_code == 0
    content = "".join(re.findall(r"\x1b_G[^;]*;([^\x1b]*)\x1b\\", shown.stdout))
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB"), np.float32)
    hit = json.loads(vifi("search", "a cat", "-t", 1, "--json").stdout)["hits"][0]
    frame = still_pixels(Path(hit["path"]), (hit["start_seconds"] + hit["end_seconds"]) / 2, 120, None)
    assert picture.shape == frame.shape
    assert np.abs(picture - frame).mean() < 1
    assert "pets.mp4" in shown.stdout
    piped = vifi("search", "a cat", "-t", 1, "--thumbs")
    assert piped.stdout == vifi("search", "a cat", "-t", 1).stdout
    assert piped.stderr == "--thumbs shows pictures on a terminal alone\n"
    refused = vifi("search", "a cat", "--thumbs", "-0")
    assert refused.exit_code == 2
    assert "beside a list of hits: omit it" in refused.stderr
