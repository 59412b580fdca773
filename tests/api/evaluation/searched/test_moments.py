"""Moments of real clips by queries: what a search gives, from an index of the user's or one made for the test."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.api.evaluation.searched.test_retrieval import queries_beside
from tests.cli.conftest import Vifi
from vifi_cli import evaluate_moments, open_index
from vifi_cli.errors import IndexMissing, InvalidInput
from vifi_cli.evaluation.moments.scoring import MEASURES, measures_of_query, overlaps
from vifi_cli.evaluation.report.report import Report

ROWS = (
    "file,query,start,end",
    "pets.mp4,a cat,4,8",
    "kitchen.mp4,a cat,0,4",
    "launch.mp4,a rocket,0,4",
    "pets.mp4,a rocket,0,1",
)


@pytest.fixture
def queries(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # where reports are written
    path = queries_beside(clips, tmp_path)
    path.write_text("\n".join(ROWS))
    return path


def figures(report: Report, row: int = 0) -> dict[str, float]:
    estimates = report.table.rows[row].estimates
    return {name: each.value for name, each in zip(report.table.columns, estimates, strict=True) if each}


def lines(report: Report, name: str) -> list[dict[str, object]]:
    assert report.folder
    return [json.loads(line) for line in (report.folder / name).read_text().splitlines()]


def test_in_its_video_a_query_gets_what_a_search_below_the_video_gets(indexed: Path, queries: Path) -> None:
    report = evaluate_moments(queries)
    with open_index() as index:
        for answer, row in zip(lines(report, "predictions-starter.jsonl"), ROWS[1:], strict=True):
            video, text, *_ = row.split(",")
            hits = index.search(text, path=indexed / video, per_video=0, min_score=-1)
            shown = [
                (hit.start_seconds, hit.end_seconds, pytest.approx(hit.cosine, abs=1e-6)) for hit in hits
            ]
            assert answer["vid"] == video
            assert [tuple(window) for window in answer["pred_relevant_windows"]] == shown  # type: ignore[attr-defined]
    found = figures(report)
    assert tuple(found) == MEASURES
    assert found["R1@0.5"] == 0.75, "kitchen.mp4 has one moment, whatever it shows; pets.mp4 has no rocket"
    facts = dict(report.facts)
    assert facts["Tested"] == "4 queries with 4 true windows in 3 videos"
    assert facts["Intervals"] == "95 %, Wilson, over 3 videos"
    assert report.notes[-1].startswith(
        "At most R1@0.3 100.0, R1@0.5 100.0, R1@0.7 100.0 and mIoU 100.0 can be"
    )
    check_that_the_written_predictions_have_the_reported_scores(report)


def check_that_the_written_predictions_have_the_reported_scores(report: Report) -> None:
    truth = lines(report, "true-windows.jsonl")
    assert truth[0] == {
        "qid": 1, "query": "a cat", "vid": "pets.mp4", "duration": 8.0, "relevant_windows": [[4.0, 8.0]]
    }  # fmt: skip
    scored = []
    for answer, true in zip(lines(report, "predictions-starter.jsonl"), truth, strict=True):
        windows = np.array(answer["pred_relevant_windows"])
        scored.append(
            measures_of_query(overlaps(windows[:, :2], np.array(true["relevant_windows"])), windows[:, 2])
        )
    assert np.mean(scored, axis=0).tolist() == pytest.approx(list(figures(report).values()))


def test_over_the_index_a_hit_counts_only_in_its_video(indexed: Path, queries: Path) -> None:
    report = evaluate_moments(queries, over_index=True)
    found = figures(report)
    assert found["R1@0.5"] == 0.5, "the cat is in pets.mp4, which is not the video of the second query"
    assert dict(report.facts)["Searched"] == "all 4 videos of the index, as by `vifi search --min-score 0`"
    with open_index() as index:
        for answer in lines(report, "predictions-starter.jsonl"):
            hits = index.search(str(answer["query"]), min_score=-1)
            shown = [[hit.path.name, hit.start_seconds, hit.end_seconds] for hit in hits]
            assert [[Path(video).name, *times] for video, *times, _ in answer["pred_moments"]] == shown  # type: ignore[attr-defined]


def test_queries_may_spell_one_file_differently(indexed: Path, queries: Path) -> None:
    queries.write_text("file,query,start,end\npets.mp4,a cat,4,8\n./pets.mp4,a cup of coffee,0,4\n")
    report = evaluate_moments(queries, over_index=True)
    answers = lines(report, "predictions-starter.jsonl")
    assert [answer["vid"] for answer in answers] == ["pets.mp4", "./pets.mp4"]
    assert dict(report.facts)["Tested"] == "2 queries with 2 true windows in 1 video"
    assert report.notes[-1].startswith("All queries are about one video")
    assert figures(report)["R5@0.7"] == 1, "one coffee is in kitchen.mp4"


def test_models_get_rows_and_search_the_videos_of_the_file_alone(
    indexed: Path, queries: Path, tiny: Path
) -> None:
    report = evaluate_moments(queries, ["starter", "starter", str(tiny)], over_index=True, device="cpu")
    assert [row.remark for row in report.table.rows] == ["the present index", "an index made for this test"]
    assert dict(report.facts)["Searched"].startswith("all 3 videos of the query file")
    assert figures(report)["R1@0.5"] == 0.5
    assert len(lines(report, "predictions-tiny_clip.jsonl")) == 4


def test_without_an_index_a_model_gets_one_and_without_a_model_it_is_needed(
    vifi_home: Path, queries: Path, tiny: Path
) -> None:
    with pytest.raises(IndexMissing, match="nothing is indexed yet"):
        evaluate_moments(queries)
    (row,) = evaluate_moments(queries, str(tiny)).table.rows
    assert row.remark == "an index made for this test"


def test_missing_and_unreadable_videos_are_counted_and_named(
    indexed: Path, queries: Path, tmp_path: Path, tiny: Path
) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    queries.write_text("\n".join((*ROWS, "broken.mp4,a cat,0,1", "gone.mp4,a cat,0,1", "gone.mp4,a dog,0,1")))
    report = evaluate_moments(queries, str(tiny))
    assert report.stamps == ("1 of 5 videos missing, such as gone.mp4: 2 queries not tested",)
    assert report.notes[0] == "1 video cannot be read, such as broken.mp4: their queries are omitted."
    assert dict(report.facts)["Tested"] == "4 queries with 4 true windows in 3 videos"
    with pytest.raises(
        InvalidInput, match=r"names 1 video not in the index, such as .*broken.mp4: run `vifi index"
    ):
        evaluate_moments(queries)


def test_videos_are_found_by_name_in_a_data_root(
    indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "charades_sta_test.txt"
    path.write_text("pets 4.0 8.4##a cat.\npets 9 12##a cat.\nlaunch 0.0 14.0##a rocket.\n")
    with pytest.raises(InvalidInput, match=r"pets is not under .* name their folder with --data-root"):
        evaluate_moments(path)
    report = evaluate_moments(path, data_root=indexed)
    omitted, cut = report.notes[:2]
    assert omitted == f"1 true window omitted that begin after the video ends, such as {path}, line 2."
    assert cut.startswith(f"1 true window cut at the end of the video, such as {path}, line 3")
    windows: Sequence[object] = [line["relevant_windows"] for line in lines(report, "true-windows.jsonl")]
    assert windows == [[[4.0, 8.0]], [[0.0, 4.0]]]


def test_a_window_of_an_own_table_must_begin_in_its_video(indexed: Path, queries: Path) -> None:
    queries.write_text("file,query,start,end\npets.mp4,a cat,0,1\npets.mp4,a cat,4000,8000\n")
    with pytest.raises(InvalidInput, match=r"line 2: the window begins at 4000 s, but pets.mp4 ends at 8 s"):
        evaluate_moments(queries)


def test_didemo_ranks_all_segments_by_its_own_rule(
    indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    entry = {
        "video": "pets.avi",
        "description": "a cat",
        "times": [[1, 1], [1, 1], [0, 0], [1, 1]],
        "num_segments": 2,
    }
    path = tmp_path / "val_data.json"
    path.write_text(json.dumps([entry]))
    report = evaluate_moments(path, data_root=indexed)
    assert figures(report) == {"Rank@1": 1, "Rank@5": 1, "mIoU": 1}
    (answer,) = lines(report, "predictions-starter.jsonl")
    assert [window[:2] for window in answer["pred_relevant_windows"]] == [[5, 10], [0, 10], [0, 5]]  # type: ignore[attr-defined]
    with pytest.raises(InvalidInput, match="use --setting moments"):
        evaluate_moments(path, data_root=indexed, over_index=True)


def test_from_the_command_line(vifi: Vifi, indexed: Path, queries: Path) -> None:
    outcome = vifi("eval", "--setting", "corpus-moments", "--queries", queries, "--json")
    assert outcome.exit_code == 0, outcome.stderr
    document = json.loads(outcome.stdout)
    assert document["columns"] == list(MEASURES)
    assert document["rows"][0]["figures"][1]["value"] == 0.5
    wrong = vifi("eval", "--setting", "moments", "--queries", queries, "--views", "4x3")
    assert wrong.exit_code == 2
    assert "--views does not go with --setting moments, which searches an index" in wrong.stderr
    assert "file, query, start and end" in vifi("eval", "--setting", "corpus-moments").stderr
