"""An index of an encoder that sees clips: everything works as with frames, and movement can be told apart."""

import io
import shutil
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest

from tests.color_encoder import ColorEncoder
from tests.conftest import MakeOnce
from tests.motion import EXAMPLE, PAGE, Motion, SpokenMotion, write_square
from vifi_cli import ClipLength, concept, cut, index_videos, open_index, words
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.library.encoders import EncoderChoice, load_query_encoder
from vifi_cli.api.search.session import SearchSession
from vifi_cli.api.teaching.beginning import begin_teaching
from vifi_cli.api.teaching.candidates import candidates
from vifi_cli.api.teaching.marking import mark_moment
from vifi_cli.errors import EncoderMismatch, InvalidInput
from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
from vifi_cli.index.encoder import embed_clips
from vifi_cli.index.search.examples import look_up_example, read_example
from vifi_cli.index.search.query import Example
from vifi_cli.index.update.shards import indexed_with, make_shard, merge_shard, sampling_for
from vifi_cli.index.vectors import open_vectors
from vifi_cli.video.clips.clip_cutting import frames_at_even_times
from vifi_cli.video.decode.decoder import decode_frames
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.video_file import VideoFile
from vifi_cli.video.moment import Moment, TimeRange
from vifi_cli.video.pictures.frames import Frames

LONG = ("left", "right", "rest", "left")  # four seconds each


@pytest.fixture(scope="module")
def made(make_once: MakeOnce) -> Path:
    """A data folder with squares that move left and right, and their index; only read it, or copy it."""

    def fill(home: Path) -> None:
        for number in (1, 2, 3):
            write_square(home / "squares" / f"left_{number}.mp4", "left", seconds=4 + number / 2)
        write_square(home / "squares" / "right_1.mp4", "right", seconds=4.5)
        write_square(home / "squares" / "long.mp4", *LONG)
        index_videos(home / "squares", folder=home / "index", encoder=Motion())

    return make_once("squares", fill)


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """A copy to change; the paths in the index are those of the original."""
    shutil.copytree(made / "index", tmp_path / "index")
    return tmp_path


@pytest.fixture
def catalog(made: Path) -> Iterator[Catalog]:
    with Catalog(made / "index" / CATALOG_FILE) as opened:
        yield opened


def test_the_example_of_the_page_runs_and_prints_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2, 3):
        write_square(tmp_path / "squares" / f"left_{number}.mp4", "left", seconds=4 + number / 2)
    write_square(tmp_path / "squares" / "right_1.mp4", "right", seconds=4.5)
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(EXAMPLE, {})
    assert f"```text\n{printed.getvalue()}```" in PAGE.read_text()


def test_frames_cannot_tell_the_directions_apart(made: Path) -> None:
    pixels = {}
    for name in ("left_1", "right_1"):
        chunks = decode_frames(made / "squares" / f"{name}.mp4", FrameSampling(4.0), Motion.geometry)
        pixels[name] = np.concatenate([chunk.pixels for chunk in chunks if isinstance(chunk, Frames)])
    left, right = (ColorEncoder().encode_frames(frames).mean(0) for frames in pixels.values())
    assert left @ right / np.linalg.norm(left) / np.linalg.norm(right) > 0.9999


def test_similar_finds_the_same_direction(made: Path) -> None:
    with open_index(made / "index") as index:  # everything that is indexed needs no encoder
        found = index.similar(made / "squares" / "left_1.mp4", per_video=1)
        assert {hit.path.stem for hit in found if hit.cosine > 0.9} == {"long", "left_2", "left_3"}
        assert found[-1].path.stem == "right_1"
        assert found[-1].cosine < -0.9
        by_video = index.similar(made / "squares" / "right_1.mp4", by="video", top=2)
        assert {hit.path.stem for hit in by_video if hit.cosine > 0.9} <= {"long"}


def test_moments_are_where_the_direction_is(made: Path) -> None:
    with open_index(made / "index") as index:
        left = index.similar(made / "squares" / "left_1.mp4", path=made / "squares" / "long.mp4")
        assert {(hit.start_seconds, hit.end_seconds) for hit in left if hit.cosine > 0.99} >= {
            (0.0, 4.0),
            (13.0, 16.0),
        }
        right = index.similar(made / "squares" / "long.mp4", 4, 8)
        assert right[0].path.stem == "right_1"
        alike = [hit for hit in right if hit.path.stem == "long" and hit.cosine > 0.9]
        assert [hit.start_seconds for hit in alike] == [
            11.0
        ]  # from the middle back to the right; not the asked moment


def test_a_concept_is_taught_by_marks_alone(home: Path, made: Path) -> None:
    with SearchSession(home / "index", AUTOMATIC) as session:
        assert begin_teaching(session, "left", "a square moves left").is_new
        asked = candidates(session, "left", 3)
        shown = [
            LONG[int(hit.start_seconds // 4)] if hit.path.stem == "long" else hit.path.stem.partition("_")[0]
            for hit in asked
        ]
        assert sorted(shown) == ["left", "rest", "right"]  # without any mark, moments that differ
        squares = made / "squares"
        for name, start, end in (("left_1", 0, 4), ("left_2", 1, 3), ("right_1", 0, 4), ("long", 4, 8)):
            moment = Moment(squares / f"{name}.mp4", start, end)
            taught = mark_moment(session, "left", moment, is_right=name.startswith("left"))
        assert taught.learned is not None
        assert np.isfinite(taught.learned.embedding).all()
    with open_index(home / "index") as index:
        found = index.search(concept("left"), min_score=-1.0)
        scores = {(hit.path.stem, hit.start_seconds): hit.cosine for hit in found}
        lefts = [
            score
            for (name, start), score in scores.items()
            if name == "left_3" or (name, start) == ("long", 13.0)
        ]
        others = [
            score
            for (name, start), score in scores.items()
            if name == "right_1" or (name, start) == ("long", 4.0)
        ]
        assert lefts
        assert min(lefts) > max(others, default=-1.0) + 0.5
        assert found[0].cosine > 0.8


def test_words_need_a_text_side(home: Path, tmp_path: Path, made: Path) -> None:
    for encoder in (None, Motion()):
        with (
            open_index(home / "index", encoder=encoder) as index,
            pytest.raises(
                InvalidInput, match=r"motion, which made the index, reads no words: search by example"
            ),
        ):
            index.search("left")
    with SearchSession(home / "index", AUTOMATIC) as session:
        session.warm_up()  # as `vifi serve` does
    with (
        SearchSession(home / "index", AUTOMATIC, load_text_encoder=lambda *_: SpokenMotion()) as session,
        pytest.raises(InvalidInput, match="reads no words"),  # as `vifi mcp` does
    ):
        session.find(words("left"))
    with pytest.raises(InvalidInput, match="reads no words"):
        load_query_encoder(indexed_with(Motion(), FrameSampling(4.0)), EncoderChoice(), AUTOMATIC)
    index_videos(made / "squares", folder=tmp_path / "spoken", encoder=SpokenMotion())
    with open_index(tmp_path / "spoken", encoder=SpokenMotion()) as index:
        left = index.search(words("left"), min_score=0.0)
        assert left[0].relevance is not None
        assert {hit.path.stem for hit in left if hit.cosine > 0.9} == {"left_1", "left_2", "left_3", "long"}
        assert index.search(words("left") - words("right"), top=1)[0].cosine > 0.9


def test_duplicates_are_folded_and_moments_cut(made: Path, tmp_path: Path) -> None:
    with open_index(made / "index") as index:
        folded = index.similar(made / "squares" / "right_1.mp4", dedupe=True)
        plain = index.similar(made / "squares" / "right_1.mp4")
    assert len(folded) < len(plain)
    assert sum(hit.duplicates for hit in folded) > 0
    report = cut([Moment(made / "squares" / "long.mp4", 4.0, 8.0)], tmp_path / "clips")
    assert len(list((tmp_path / "clips").iterdir())) == 1, report


def test_the_vector_of_a_window_is_the_mean_of_its_clips_as_the_encoder_sees_them(
    made: Path, catalog: Catalog
) -> None:
    path = made / "squares" / "long.mp4"
    chunks = [
        each for each in decode_frames(path, FrameSampling(4.0), Motion.geometry) if isinstance(each, Frames)
    ]
    pixels, seconds = np.concatenate([c.pixels for c in chunks]), np.concatenate([c.seconds for c in chunks])

    def seen(start: float) -> np.ndarray:
        inside = (seconds >= start) & (seconds < start + 2.0)
        chosen = frames_at_even_times(seconds[inside], start, Motion.clip_length)
        return embed_clips(Motion(), pixels[inside][chosen][None])[0].astype(np.float16).astype(np.float64)

    video = catalog.video_at(path)
    assert video is not None
    assert catalog.frames(video.id)[0].tolist() == list(range(15))
    ids = catalog.window_ids_of([video.id])
    vectors = open_vectors(catalog).embeddings(ids)
    of_span = {
        (start, end): vector
        for (_, _, start, end, _), vector in zip(catalog.windows(ids), vectors, strict=True)
    }
    for start, end in ((3.0, 5.0), (4.0, 12.0), (0.0, 16.0)):
        mean = np.mean([seen(begin) for begin in np.arange(start, end - 1)], axis=0)
        np.testing.assert_allclose(of_span[start, end], mean / np.linalg.norm(mean), atol=2e-3)


@pytest.mark.parametrize(
    "part", [None, TimeRange(3, 7), TimeRange(4.2, 4.6), TimeRange(12, 99, 12), TimeRange(6.5, 11)]
)
def test_a_file_looks_as_the_index_knows_it(made: Path, catalog: Catalog, part: TimeRange | None) -> None:
    example = Example(made / "squares" / "long.mp4", part)
    known = look_up_example(catalog, example)
    assert known is not None
    read = read_example(example, Motion, catalog.indexed_with.sampling)
    np.testing.assert_allclose(read.embedding, known.embedding, atol=1e-6)


def test_a_picture_is_a_clip_in_which_nothing_moves(made: Path, catalog: Catalog, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    seen = read_example(Example(tmp_path / "red.png"), Motion, catalog.indexed_with.sampling)
    np.testing.assert_allclose(seen.embedding, [0, 0, 1], atol=1e-6)
    with open_index(made / "index", encoder=Motion()) as index:
        still = [hit for hit in index.similar(tmp_path / "red.png") if hit.cosine > 0.95]
        assert {hit.path.stem for hit in still} == {"long"}
        assert any(
            hit.start_seconds >= 7.0 and hit.end_seconds <= 13.0 for hit in still
        )  # where the square rests


def test_an_index_goes_on_with_its_own_encoder_only(home: Path, made: Path, tmp_path: Path) -> None:
    new = write_square(tmp_path / "more" / "new.mp4", "right")
    assert index_videos(folder=home / "index").unchanged == 5  # nothing to encode
    with pytest.raises(InvalidInput, match="it made the index; if it is an encoder of your own"):
        index_videos(new, folder=home / "index")
    with pytest.raises(EncoderMismatch, match="motion, and colors encodes images differently"):
        index_videos(new, folder=home / "index", encoder=ColorEncoder())
    with pytest.raises(EncoderMismatch, match="pass the encoder that made it"):
        open_index(home / "index", encoder=ColorEncoder())

    class Slower(Motion):  # type: ignore[misc]
        clip_length = ClipLength(8, 4.0)

    with pytest.raises(EncoderMismatch, match="motion no longer encodes videos as when the index was made"):
        index_videos(new, folder=home / "index", encoder=Slower())
    with pytest.raises(InvalidInput, match="a model or pass an encoder, not both"):
        index_videos(new, folder=home / "index", encoder=Motion(), model="starter")
    assert index_videos(new, folder=home / "index", encoder=Motion()).added == 1
    report = index_videos(folder=home / "index", encoder=Slower(), rebuild=True)
    assert report.added == 6
    with Catalog(home / "index" / CATALOG_FILE) as rebuilt:
        assert (rebuilt.indexed_with.clip_length, rebuilt.indexed_with.frames_per_second) == (
            ClipLength(8, 4.0),
            2.0,
        )
    index_videos(folder=home / "index", encoder=ColorEncoder(), rebuild=True)
    with Catalog(home / "index" / CATALOG_FILE) as rebuilt:
        assert rebuilt.indexed_with == indexed_with(ColorEncoder(), FrameSampling())


def test_clips_decide_how_densely_videos_are_sampled() -> None:
    colors, motion = (
        indexed_with(ColorEncoder(), FrameSampling(0.5)),
        indexed_with(Motion(), FrameSampling(10.0)),
    )
    assert sampling_for(Motion()) == FrameSampling(4.0, 8)
    assert sampling_for(Motion(), 12.5) == FrameSampling(12.5, 8)
    assert sampling_for(Motion(), like=motion) == FrameSampling(10.0, 8)
    assert sampling_for(Motion(), like=colors) == FrameSampling(4.0, 8)
    assert sampling_for(ColorEncoder(), like=colors) == FrameSampling(0.5, 8)
    assert sampling_for(ColorEncoder(), like=motion) == FrameSampling(1.0, 8)
    with pytest.raises(InvalidInput, match="motion sees 8 frames in 2 s: omit --fps, or take 4 or more"):
        sampling_for(Motion(), 2.0)


def test_shards_of_another_length_are_refused_and_those_of_the_same_taken(home: Path, tmp_path: Path) -> None:
    path = write_square(tmp_path / "more" / "new.mp4", "right")
    video = VideoFile.seen(path, path.stat())

    class Slower(Motion):  # type: ignore[misc]
        clip_length = ClipLength(8, 4.0)

    with Catalog(home / "index" / CATALOG_FILE) as catalog:
        with pytest.raises(EncoderMismatch, match="another sampling"):
            merge_shard(catalog, make_shard(tmp_path / "a.sqlite3", [video], Slower(), FrameSampling(4.0)))
        merge_shard(catalog, make_shard(tmp_path / "b.sqlite3", [video], Motion(), FrameSampling(4.0)))
        taken = catalog.video_at(path)
        assert taken is not None
        assert catalog.frames(taken.id)[0].tolist() == [0.0, 1.0, 2.0]
        assert len(open_vectors(catalog)) == len(catalog.window_ids())


def test_odd_videos_have_clips_too(tmp_path: Path) -> None:
    from tests.made_videos import solid_picture, write_video

    (tmp_path / "odd").mkdir()
    write_video(tmp_path / "odd" / "one.mp4", [solid_picture("red")], fps=25)
    write_square(tmp_path / "odd" / "short.mp4", "left", seconds=0.7)
    uneven = [0.0, 0.1, 0.2, 0.3, 0.7, 1.0, 1.5, 1.9, 2.0, 20.0, 20.1, 20.5, 21.0, 21.4]
    pictures = [solid_picture("red")] * len(uneven)
    write_video(tmp_path / "odd" / "uneven.mkv", pictures, frame_seconds=uneven)
    report = index_videos(tmp_path / "odd", folder=tmp_path / "index", encoder=Motion(), workers=2)
    assert (report.added, report.failed) == (3, ())
    with Catalog(tmp_path / "index" / CATALOG_FILE) as catalog:
        found = {video.path.stem: catalog.frames(video.id) for video in catalog.videos()}
        uneven_video = catalog.video_at(tmp_path / "odd" / "uneven.mkv")
        assert uneven_video is not None
        end = uneven_video.duration_seconds
    assert found["one"][0].tolist() == [0.0]
    assert found["short"][0].tolist() == [0.0]
    assert found["short"][1][0, 0] < -5  # all of it is seen
    assert found["uneven"][0].tolist() == pytest.approx([0.0, 1.0, 2.0, 19.0, end - 2.0], abs=0.01)
