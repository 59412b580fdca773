"""What a search says about a path that no indexed video has."""

from pathlib import Path

import pytest

from vifi_cli.api.search.video_choice import path_problem

PATHS = [Path("/films/holiday/beach.mp4"), Path("/films/Work/desk.mkv")]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("holiday", ""),
        ("*.mkv", ""),
        ("holidays", "no indexed path matches holidays; did you mean holiday?"),
        (
            "/films/holidays/",
            "no indexed path matches /films/holidays/; did you mean holiday?",
        ),
        ("work", "no indexed path matches work; did you mean Work?"),
        ("desk", "no indexed path matches desk; did you mean '*desk*'?"),
        ("xyz", "no indexed path matches xyz; `vifi status` shows what is indexed"),
    ],
)
def test_a_path_that_matches_nothing_is_named_with_the_nearest(pattern: str, said: str) -> None:
    assert path_problem(pattern, PATHS) == said
