"""Hits in the user's own format."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.made_videos import Sound, noise, numbered_frames, write_video
from vifi_cli.api.search.hits.documents import hit_document
from vifi_cli.api.search.hits.line_format import FIELDS, HitFormat
from vifi_cli.errors import InvalidInput
from vifi_cli.index.search.video_index import SearchHit, StepMoment
from vifi_cli.wording import escaped

ODD = os.fsdecode(b"/v/a\tb\\c\n\xff.mp4")
HITS = [SearchHit(Path("/v/a b.mp4"), 80.0, 85.25, 0.25, 0.987_65), SearchHit(Path(ODD), 1.0, 2.0, 0.5)]


def filled(template: str) -> list[str]:
    return list(HitFormat(template).filled("a cat", HITS, escaped))


@pytest.mark.parametrize(
    ("template", "lines"),
    [
        (r"{path}\t{start}", ["/v/a b.mp4\t80.000", r"/v/a\tb\\c\n\xff.mp4" + "\t1.000"]),
        ("{number:02} {start_clock}-{end_clock} {length:.1f}", ["01 1:20-1:25 5.2", "02 0:01-0:02 1.0"]),
        ("{relevance:.0%} {cosine} {score:.2f}", ["99% 0.2500 0.99", "nan% 0.5000 0.50"]),
        ("{name}|{folder}|{query}", ["a b.mp4|/v|a cat", r"a\tb\\c\n\xff.mp4|/v|a cat"]),
        ("{uri}", ["file:///v/a%20b.mp4", "file:///v/a%09b%5Cc%0A%FF.mp4"]),
        (r"{{{end:.0f}}}\\n", [r"{85}\n", r"{2}\n"]),
    ],
)
def test_fields_are_filled_and_names_made_safe(template: str, lines: list[str]) -> None:
    assert filled(template) == lines


@pytest.mark.skipif(os.name != "posix", reason="paths of Unix")
def test_with_nul_the_template_alone_says_what_is_written() -> None:
    form = HitFormat(r"{path}\0")
    assert form.is_exact
    assert list(form.filled("", HITS, str)) == ["/v/a b.mp4\0", f"{ODD}\0"]
    assert not HitFormat(r"{path}\\0").is_exact


def test_players_may_count_from_the_first_sound(tmp_path: Path) -> None:
    late = write_video(
        tmp_path / "late.mkv", numbered_frames(40), start_seconds=3.0, sound=Sound(noise(7.0)), fps=10
    )
    hits = [SearchHit(late, 1.0, 2.0, 0.5), SearchHit(tmp_path / "gone.mp4", 1.5, 2.0, 0.5)]
    late_start, unknown = HitFormat("{player_start}").filled("", hits, escaped)
    assert float(late_start) == pytest.approx(4.0, abs=0.03)
    assert unknown == "1.500"


def test_an_unknown_field_names_those_there_are() -> None:
    with pytest.raises(InvalidInput) as refused:
        HitFormat("{file}")
    assert str(refused.value).startswith("--format has no field {file}: use {path}, {name}, ")
    with pytest.raises(InvalidInput, match=r"--format is empty"):
        HitFormat("")


def test_the_documentation_has_every_field() -> None:
    text = (Path(__file__).parents[4] / "docs" / "searching.md").read_text()
    for name, field in FIELDS.items():
        assert f"| `{{{name}}}` | {field.meaning} |" in text


def test_the_steps_of_a_hit_are_times() -> None:
    steps = StepMoment("a", 1.0, 2.5, 0.3, 0.9), StepMoment("b", 80.0, 84.0, 0.3, 0.9)
    hits = [replace(HITS[0], steps=steps), HITS[0]]
    assert list(HitFormat("{number} {steps}").filled("q", hits, str)) == ["1 0:01-0:02.5 1:20-1:24", "2 "]
    assert hit_document(hits[0])["steps"] == [
        {"query": "a", "start_seconds": 1.0, "end_seconds": 2.5, "relevance": 0.9, "cosine": 0.3},
        {"query": "b", "start_seconds": 80.0, "end_seconds": 84.0, "relevance": 0.9, "cosine": 0.3},
    ]
    assert "steps" not in hit_document(hits[1])
