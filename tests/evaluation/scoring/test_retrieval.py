"""Retrieval figures against rankings that can be counted by hand, and query files as users write them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.scoring.confidence_intervals import wilson_interval
from vifi_cli.evaluation.scoring.retrieval import (
    MEASURES,
    Query,
    read_queries,
    read_split_remarks,
    relevant_places,
    score_retrieval,
)

SCORES = np.array(
    [
        [0.9, 0.1, 0.2, 0.3],  # the right one first
        [0.5, 0.4, 0.3, 0.2],  # the right ones second and fourth
        [0.1, 0.2, 0.3, 0.3],  # the right one as high as a wrong one
    ],
    np.float32,
)
RELEVANT = np.array([[1, 0, 0, 0], [0, 1, 0, 1], [0, 0, 1, 0]], np.bool_)


def test_figures_of_three_rankings_by_hand() -> None:
    scores = score_retrieval(SCORES, RELEVANT)
    assert scores.ranks.tolist() == [1, 2, 2]
    assert [figure.value for figure in scores.recall] == pytest.approx([1 / 3, 1, 1])
    average_precisions = (1.0, (1 / 2 + 2 / 4) / 2, 1 / 2)
    assert scores.mean_average_precision.value == pytest.approx(sum(average_precisions) / 3)
    assert scores.median_rank.value == 2
    assert scores.median_rank.unit == "rank"
    assert scores.row[-2:] == (scores.mean_average_precision, scores.median_rank)
    assert len(scores.row) == len(MEASURES)


def test_intervals_are_over_queries() -> None:
    scores = score_retrieval(np.tile(SCORES[:2], (50, 1)), np.tile(RELEVANT[:2], (50, 1)))
    recall_at_1 = scores.recall[0]
    assert recall_at_1.value == 0.5
    # the share of 100 coins has a deviation of 0.05
    assert recall_at_1.low == pytest.approx(0.5 - 1.96 * 0.05, abs=0.015)
    assert recall_at_1.high == pytest.approx(0.5 + 1.96 * 0.05, abs=0.015)
    assert (scores.recall[1].low, scores.recall[1].high) == pytest.approx(
        (0.9630, 1), abs=1e-4
    )  # 100 / (100 + 1.96²)
    assert scores.mean_average_precision.low is not None
    assert scores.mean_average_precision.low < scores.mean_average_precision.value
    assert scores.median_rank.low == 1
    assert scores.median_rank.high == 2


def test_a_map_of_few_queries_is_uncertain_even_if_all_are_found() -> None:
    figure = score_retrieval(np.eye(3, dtype=np.float32), np.eye(3, dtype=np.bool_)).mean_average_precision
    assert (figure.low, figure.high) == pytest.approx(wilson_interval(1, 3))


def test_a_model_that_tells_nothing_apart_gains_nothing() -> None:
    scores = score_retrieval(np.zeros((2, 20), np.float32), np.eye(2, 20, dtype=np.bool_))
    assert [figure.value for figure in scores.recall] == [0, 0, 0]
    assert scores.median_rank.value == 20


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=1, max_size=12))
def test_a_place_is_the_number_of_videos_that_score_as_high_and_are_wrong_or_score_higher(
    videos: list[tuple[int, bool]],
) -> None:
    scores = np.array([score for score, _ in videos], np.float32)
    relevant = np.array([is_right for _, is_right in videos])
    places = relevant_places(scores, relevant).tolist()
    rights = sorted((score for score, is_right in videos if is_right), reverse=True)
    for number, (place, score) in enumerate(zip(places, rights, strict=True)):
        assert place == number + 1 + sum(other >= score and not is_right for other, is_right in videos)


def query_file(folder: Path, text: str) -> Path:
    path = folder / "captions.csv"
    path.write_bytes(text.encode())
    return path


def test_rows_of_one_caption_are_one_query_and_other_columns_do_not_matter(tmp_path: Path) -> None:
    rows = (
        "source,File,CAPTION",
        "x,a.mp4,a dog",
        "",
        'x,b.mp4," a cat, asleep "',
        "y,c.mp4,a dog",
        "z,a.mp4,a dog",
    )
    text = "\ufeff" + "\r\n".join(rows) + "\r\n"
    assert read_queries(query_file(tmp_path, text)) == (
        Query("a dog", ("a.mp4", "c.mp4")),
        Query("a cat, asleep", ("b.mp4",)),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no column 'file'"),
        ("file,text\na.mp4,a dog\n", "has no column 'caption'"),
        ("file,caption,file\na,b,c\n", "the column 'file' is twice in its first line"),
        ("file,caption\na.mp4,a dog\nb.mp4,\n", "line 3 has no caption"),
        ("file,caption\n ,a dog\n", "line 2 has no file"),
        ("file,caption\na.mp4,a dog, running\n", "line 2 has 3 cells, the header 2"),
        ("file,caption\n\n", "has no query"),
    ],
)
def test_a_query_file_that_makes_no_sense_is_said_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = query_file(tmp_path, text)
    with pytest.raises(InvalidInput) as error:
        read_queries(path)
    assert said in str(error.value)
    assert str(path) in str(error.value)


def test_a_query_file_that_is_missing_or_no_text_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="No such file"):
        read_queries(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes("file,caption\na.mp4,café\n".encode("latin-1"))
    with pytest.raises(InvalidInput, match="not UTF-8"):
        read_queries(tmp_path / "latin.csv")


def test_videos_in_several_splits_are_remarked(tmp_path: Path) -> None:
    rows = ("file,caption,split", "a.mp4,a dog,val", "a.mp4,a dog,test", "b.mp4,a cat,test")
    alone, shared = read_split_remarks(query_file(tmp_path, "\n".join(rows)))
    assert alone == "The rows of all splits are tested: val, test. Keep the rows of one to test it alone."
    assert shared == (
        "1 video in several splits, such as a.mp4 in val and test: what is chosen on one split has seen the other."
    )
    assert read_split_remarks(query_file(tmp_path, "file,caption,split\na.mp4,a dog,test\n")) == ()
    assert read_split_remarks(query_file(tmp_path, "file,caption\na.mp4,a dog\n")) == ()
