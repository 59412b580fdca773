"""Hits in a notebook: short in text, a table with pictures in HTML, and ready for pandas."""

from dataclasses import asdict, fields, is_dataclass, replace
from pathlib import Path

import pytest

from tests.made_videos import solid_colour_clip
from vifi_cli import SearchHit, open_index
from vifi_cli.api.search.hits.hit_list import MOST_ROWS, SearchHits
from vifi_cli.wording import LEGENDS


@pytest.fixture
def hits(tmp_path: Path) -> SearchHits:
    clip = solid_colour_clip(tmp_path / "red <1>.mp4", [("red", 4.0)])
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"not a video")
    return SearchHits(
        [
            SearchHit(clip, 1.0, 3.0, 0.31, 0.97),
            SearchHit(broken, 0.0, 2.0, 0.3, 0.96),
            SearchHit(tmp_path / "gone.mp4", 0.0, 65.0, 0.2, 0.5),
        ]
    )


def test_hits_are_short_in_text(hits: SearchHits) -> None:
    assert repr(hits[0]) == "SearchHit(red <1>.mp4 0:01–0:03, relevance 0.97)"
    assert repr(SearchHit(Path("a.mp4"), 0.0, 2.0, 0.31)) == "SearchHit(a.mp4 0:00–0:02, cosine 0.31)"
    assert (
        repr(SearchHit(Path("a.mp4"), 0.0, 2.0, 0.31, 0.998)) == "SearchHit(a.mp4 0:00–0:02, relevance 1.00)"
    )
    assert repr(SearchHit(Path("a.mp4"), 0.0, 2.0, 0.31, 0.2, unsure=True)) == (
        "SearchHit(a.mp4 0:00–0:02, relevance 0.20, unsure)"
    )
    assert repr(hits) == "<3 hits, best: SearchHit(red <1>.mp4 0:01–0:03, relevance 0.97)>"
    assert repr(SearchHits()) == "<0 hits>"


def test_a_notebook_shows_a_picture_of_each_or_says_why_not(hits: SearchHits) -> None:
    page = hits._repr_html_()
    assert page.count('<img src="data:image/webp;base64,') == 1
    assert page.count("no picture") == page.count("file missing") == 1
    assert "red &lt;1&gt;.mp4" in page
    assert "<1>" not in page
    assert "0.97" in page
    assert "0:00 – 1:05" in page
    assert f'<th title="{LEGENDS["Relevance"]}">Relevance</th>' in page
    assert "unsure" not in page
    unsure = SearchHits([replace(hits[2], unsure=True)])._repr_html_()
    assert '<tr style="opacity: .6"><td>file missing</td><td>unsure 0.50</td>' in unsure
    many = SearchHits(hits[2:] * (MOST_ROWS + 5))._repr_html_()
    assert many.count("file missing") == MOST_ROWS
    assert "and 5 more" in many


def test_pandas_makes_a_table_of_them(hits: SearchHits) -> None:
    """It takes a sequence of dataclasses, and a column of each field."""
    assert isinstance(hits, list)
    assert is_dataclass(hits[0])
    assert [field.name for field in fields(hits[0])] == list(asdict(hits[0]))
    assert list(asdict(hits[0])) == [
        "path",
        "start_seconds",
        "end_seconds",
        "cosine",
        "relevance",
        "duplicates",
        "unsure",
        "marked",
        "steps",
    ]


def test_an_open_index_says_in_a_line_what_it_holds(indexed: Path, vifi_home: Path) -> None:
    with open_index() as index:
        assert repr(index) == f"<OpenIndex {vifi_home / 'index'}: 4 videos, 18 windows, encoded by starter>"
        assert isinstance(index.search("a cat"), SearchHits)
