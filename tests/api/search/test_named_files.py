import os
from pathlib import Path

import pytest

from tests.index.conftest import catalog, encoded_video
from vifi_cli.api.search.named_files import IndexedFiles
from vifi_cli.api.search.query_language import parse_query
from vifi_cli.errors import InvalidInput
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.search.query import Example, Term, Words
from vifi_cli.video.moment import TimeRange

__all__ = ["catalog"]


@pytest.fixture
def files(catalog: Catalog) -> IndexedFiles:
    for path in ("/v/day/dog.mp4", "/v/night/dog.mp4", "/v/cat at 5:30.mkv", "/v/caf\u00e9.mp4"):
        catalog.store(encoded_video(path, [(1, 0, 0)]))
    return IndexedFiles(catalog)


@pytest.mark.parametrize(
    ("text", "path", "part"),
    [
        ("/v/day/dog.mp4", "/v/day/dog.mp4", None),
        ("day/dog.mp4", "/v/day/dog.mp4", None),
        ("./night/dog.mp4@0:02-0:04.5", "/v/night/dog.mp4", TimeRange(2.0, 4.5, 2.0)),
        ("cat at 5:30.mkv", "/v/cat at 5:30.mkv", None),
        ("cafe\u0301.mp4", "/v/caf\u00e9.mp4", None),
    ],
)
def test_an_indexed_video_is_named_by_the_end_of_its_path(
    files: IndexedFiles, text: str, path: str, part: TimeRange | None
) -> None:
    query = parse_query(["2:" + text, "-", "rain"], files)
    assert query.terms == (Term(Example(Path(path), part), 2.0), Term(Words("rain"), -1.0))


@pytest.mark.parametrize(
    ("text", "reason"),
    [("dog.mp4", "names 2 indexed videos"), ("og.mp4", "not an indexed"), ("~/dog.jpg", "not an indexed")],
)
def test_a_name_that_does_not_mean_one_indexed_video_is_refused(
    files: IndexedFiles, text: str, reason: str
) -> None:
    with pytest.raises(InvalidInput, match=reason):
        parse_query([text], files)


def test_nobody_learns_which_other_files_exist(
    files: IndexedFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "passwords").touch()
    (tmp_path / "secret.mp4").touch()
    monkeypatch.chdir(tmp_path)
    answers = []
    for name in ("passwords", "missing"):
        with pytest.raises(InvalidInput) as refused:
            parse_query([str(tmp_path / name)], files)
        answers.append(str(refused.value).replace(name, "NAME"))
        assert parse_query([f"a/../{name}@home"], files).terms[0].meaning == Words(f"a/../{name}@home")
    assert answers[0] == answers[1]
    with pytest.raises(InvalidInput, match="not an indexed"):
        parse_query(["secret.mp4"], files)
    assert os.path.exists("secret.mp4")  # noqa: PTH110 - and yet it is not known
