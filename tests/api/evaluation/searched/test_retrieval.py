"""Retrieval of real clips by captions: from the user's index, from one made for the test, and what goes wrong."""

from pathlib import Path

import pytest

from tests.cli.conftest import Vifi
from tests.model.conftest import make_tiny_clip
from vifi_cli import evaluate_retrieval
from vifi_cli.errors import EncoderMismatch, IndexMissing, InvalidInput
from vifi_cli.index.search.ranking import RankingOptions, video_scores
from vifi_cli.index.search.video_index import VideoIndex
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.runtime.encoder import load_text_encoder
from vifi_cli.paths import index_folder

ROWS = (
    "pets.mp4,a cat",
    "launch.mp4,a rocket",
    "kitchen.mp4,a cup of coffee",
    "pets.mp4,a cup of coffee",
)


def queries_beside(clips: Path, folder: Path, *rows: str) -> Path:
    """A query file in a folder of links to the clips."""
    for clip in clips.iterdir():
        (folder / clip.name).symlink_to(clip)
    path = folder / "captions.csv"
    path.write_text("\n".join(("file,caption", *(rows or ROWS))))
    return path


@pytest.fixture
def captions(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # where reports are written
    return queries_beside(clips, tmp_path)


def test_all_videos_are_scored_as_a_search_scores_them(indexed: Path) -> None:
    queries = load_text_encoder(resolve_model("starter"), "cpu").encode_texts(
        ["a cat", "a rocket in the sky"]
    )
    with VideoIndex(index_folder()) as index:
        videos = {video.path: video.id for video in index.catalog.videos()}
        scores = video_scores(index.catalog, queries, list(videos.values()))
        for query, row in zip(queries, scores, strict=True):
            hits = index.search(query, RankingOptions(top=0, by="video"))
            found = dict(zip(videos, row.tolist(), strict=True))
            assert [hit.path for hit in hits] == sorted(found, key=lambda path: -found[path])
            assert [hit.cosine for hit in hits] == pytest.approx([found[hit.path] for hit in hits], abs=1e-4)


def test_the_index_is_measured_as_it_is(indexed: Path, captions: Path) -> None:
    report = evaluate_retrieval(captions)
    assert report.table.columns == ("R@1", "R@5", "R@10", "mAP", "median rank")
    (row,) = report.table.rows
    assert row.method == "starter"
    assert [figure.value for figure in row.estimates if figure] == [1, 1, 1, 1, 1]
    facts = dict(report.facts)
    assert facts["Queries"].startswith(f"{captions}: 3 captions of 3 videos, sha256 ")
    assert facts["Model starter"].startswith("the present index, 1 frames a second, 8 at least; image tower ")


def test_a_model_of_the_index_gives_the_same_and_another_gets_an_index_of_its_own(
    indexed: Path, captions: Path, tmp_path: Path
) -> None:
    tiny = str(make_tiny_clip(tmp_path / "tiny"))
    report = evaluate_retrieval(captions, ["starter", "starter", tiny], device="cpu")
    own, made = report.table.rows
    assert own.estimates == evaluate_retrieval(captions).table.rows[0].estimates
    assert (own.remark, made.remark) == ("the present index", "an index made for this test")
    assert made.method == tiny
    recall_at_5 = made.estimates[1]
    assert recall_at_5 is not None
    assert recall_at_5.value == 1, "three videos are all among the first five"


def test_without_an_index_a_model_must_be_named(captions: Path, tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match="nothing is indexed yet"):
        evaluate_retrieval(captions)
    (row,) = evaluate_retrieval(captions, str(make_tiny_clip(tmp_path / "tiny"))).table.rows
    assert row.remark == "an index made for this test"


def test_videos_that_are_not_indexed_are_counted_and_the_first_is_named(
    indexed: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new.mp4"
    new.write_bytes((indexed / "launch.mp4").read_bytes())
    (tmp_path / "captions.csv").write_text("file,caption\nnew.mp4,a rocket\nother.mp4,a cat\n")
    with pytest.raises(InvalidInput) as error:
        evaluate_retrieval(tmp_path / "captions.csv")
    assert f"names 2 videos not in the index, such as {new}: run `vifi index {tmp_path}`" in str(error.value)
    new.unlink()
    with pytest.raises(InvalidInput, match="which is not on disk either: files are expected beside the CSV"):
        evaluate_retrieval(tmp_path / "captions.csv")
    with pytest.raises(InvalidInput, match="names 2 videos not on disk"):
        evaluate_retrieval(tmp_path / "captions.csv", [str(make_tiny_clip(tmp_path / "tiny"))])


def test_a_video_that_cannot_be_read_is_said_plainly(clips: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    path = queries_beside(clips, tmp_path, *ROWS, "broken.mp4,nothing")
    with pytest.raises(InvalidInput, match=r"broken.mp4, which cannot be read \(.+\): remove its lines"):
        evaluate_retrieval(path, [str(make_tiny_clip(tmp_path / "tiny"))])


def test_an_index_whose_model_has_changed_is_not_measured(vifi: Vifi, clips: Path, tmp_path: Path) -> None:
    tiny = make_tiny_clip(tmp_path / "tiny")
    path = queries_beside(clips, tmp_path)
    assert vifi("index", clips, "--model", tiny).exit_code == 0
    make_tiny_clip(tmp_path / "tiny", seed=1)
    with pytest.raises(EncoderMismatch):
        evaluate_retrieval(path)
