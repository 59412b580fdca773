"""Frame features: read instead of encoding, and only where they are exactly those that would be encoded."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.evaluation.testing.test_predicting import CLASSES, ENTER
from tests.made_videos import textured_frames, write_video
from vifi_cli import paths
from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.evaluation.scoring.predictions import Predictions
from vifi_cli.evaluation.testing import predicting
from vifi_cli.evaluation.testing.class_texts import embed_class_names
from vifi_cli.evaluation.testing.frame_features import FrameFeatures, kept_features, reuse_in_words
from vifi_cli.evaluation.testing.predicting import encode_views, predict
from vifi_cli.evaluation.testing.views import ONE_VIEW, Views
from vifi_cli.model.storage.loading import LoadedModel
from vifi_cli.video.clips.store import ClipStore
from vifi_cli.video.moment import TimeRange


@pytest.fixture
def videos(tmp_path: Path) -> tuple[LabeledVideo, ...]:
    paths = [
        write_video(tmp_path / f"{seed}.mp4", textured_frames(12 + 5 * seed, 40, 64, seed))
        for seed in range(3)
    ]
    return tuple(LabeledVideo(path, place) for place, path in enumerate(paths))


def kept(tiny: LoadedModel) -> FrameFeatures:
    features = kept_features(tiny.network, tiny.card, ENTER.preprocessing, ENTER.arithmetic)
    assert features is not None
    return features


def clips_of(
    videos: tuple[LabeledVideo, ...], features: FrameFeatures | None, views: Views = ONE_VIEW
) -> predicting.TestClips:
    return predicting.TestClips(videos, ClipStore(views.short_side(32)), 4, 32, views, features=features)


def predicted(tiny: LoadedModel, clips: predicting.TestClips) -> Predictions:
    return predict(tiny.network, embed_class_names(tiny, CLASSES), clips, range(len(clips.videos)), ENTER)


def destroy(path: Path) -> None:
    """Makes a video unreadable, and lets it look as before."""
    state = path.stat()
    path.write_bytes(bytes(state.st_size))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def files_of(features: FrameFeatures) -> list[Path]:
    return sorted((features.folder / features.encoder).iterdir())


@pytest.mark.parametrize("views", [Views(), Views(2, 3), Views(2, 1, drawn=True, seed=3)])
@pytest.mark.parametrize("fusion", ["embedding", "decision", "image"])
def test_a_second_test_decodes_and_encodes_nothing(
    tiny: LoadedModel,
    videos: tuple[LabeledVideo, ...],
    views: Views,
    fusion: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tiny.network, "fusion", fusion)
    fresh = predicted(tiny, clips_of(videos, None, views))
    first = kept(tiny)
    filled = predicted(tiny, clips_of(videos, first, views))
    for video in videos:
        destroy(video.path)
    second = kept(tiny)
    again = predicted(tiny, clips_of(videos, second, views))
    assert (first.reused, second.reused, again.unreadable) == (0, 3, ())
    assert again.probabilities.tobytes() == filled.probabilities.tobytes()
    assert filled.probabilities.tobytes() == fresh.probabilities.tobytes()
    stored = np.load(files_of(second)[0], allow_pickle=False)
    assert (stored.dtype, stored.shape) == (np.float32, (views.count, 1 if fusion == "image" else 4, 16))
    assert not np.allclose(np.linalg.norm(stored, axis=-1), 1)  # not normalized


def test_what_is_known_of_other_videos_changes_no_bit(
    tiny: LoadedModel, videos: tuple[LabeledVideo, ...]
) -> None:
    """So that a killed run, which has kept some, continues as an uninterrupted one."""
    at_once = list(encode_views(tiny.network, clips_of(videos, kept(tiny)), range(3), ENTER))
    for file in files_of(kept(tiny))[:2]:
        file.unlink()
    some = kept(tiny)
    in_part = list(encode_views(tiny.network, clips_of(videos, some), range(3), ENTER))
    assert some.reused == 1
    assert torch.equal(at_once[0][1], in_part[0][1])


@pytest.mark.parametrize(
    "change",
    [
        lambda clips: replace(clips, frames=5),
        lambda clips: replace(clips, views=Views(3, 1)),
        lambda clips: replace(clips, views=Views(1, 3), store=ClipStore(32)),
        lambda clips: replace(clips, store=ClipStore(40)),
        lambda clips: replace(clips, videos=[replace(v, part=TimeRange(0, 0.2)) for v in clips.videos]),
        lambda clips: replace(clips, features=replace(clips.features, encoder="another")),
    ],
)
def test_other_clips_have_other_features(
    tiny: LoadedModel, videos: tuple[LabeledVideo, ...], change: object
) -> None:
    clips = clips_of(videos, kept(tiny))
    predicted(tiny, clips)
    other = change(clips)  # type: ignore[operator]
    expected = predicted(tiny, replace(other, features=None))
    np.testing.assert_allclose(
        predicted(tiny, other).probabilities, expected.probabilities, rtol=2e-5, atol=1e-8
    )
    assert other.features.reused == 0


def test_a_changed_file_is_encoded_again(tiny: LoadedModel, videos: tuple[LabeledVideo, ...]) -> None:
    predicted(tiny, clips_of(videos, kept(tiny)))
    write_video(videos[1].path, textured_frames(20, 40, 64, 9))
    features = kept(tiny)
    found = predicted(tiny, clips_of(videos, features))
    assert features.reused == 2
    np.testing.assert_allclose(
        found.probabilities, predicted(tiny, clips_of(videos, None)).probabilities, rtol=2e-5
    )


@pytest.mark.parametrize("damage", [b"", b"abc", b"\x93NUMPY", None])
def test_a_damaged_file_costs_only_itself(
    tiny: LoadedModel, videos: tuple[LabeledVideo, ...], damage: bytes | None
) -> None:
    expected = predicted(tiny, clips_of(videos, kept(tiny)))
    file = files_of(kept(tiny))[1]
    content = file.read_bytes()
    # None flips a bit of an embedding
    file.write_bytes(content[:-9] + bytes([content[-9] ^ 4]) + content[-8:] if damage is None else damage)
    features = kept(tiny)
    found = predicted(tiny, clips_of(videos, features))
    assert features.reused == 2
    assert found.probabilities.tobytes() == expected.probabilities.tobytes()
    assert file.read_bytes() == content


def test_the_digest_is_that_of_the_image_tower_with_its_pixels_and_arithmetic(
    tiny: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = kept(tiny).encoder
    other_pixels = ENTER.preprocessing.with_imagenet_statistics()
    digests = {plain}
    for preprocessing, arithmetic in (
        (other_pixels, ENTER.arithmetic),
        (ENTER.preprocessing, "cuda bfloat16"),
    ):
        found = kept_features(tiny.network, tiny.card, preprocessing, arithmetic)
        assert found is not None
        digests.add(found.encoder)
    for tower, changes in (("text", False), ("visual", True)):
        weight = next(getattr(tiny.network, tower).parameters()).data
        before = weight.clone()
        weight += 1
        assert (kept(tiny).encoder != plain) is changes
        weight.copy_(before)
    with monkeypatch.context() as patch:
        patch.setattr(tiny.network, "fusion", "image")
        digests.add(kept(tiny).encoder)
        patch.setattr(tiny.network, "fusion", "decision")
        assert kept(tiny).encoder == plain  # frames are averaged later
    assert len(digests) == 4
    assert ENTER.arithmetic == "cpu float32"


def test_old_files_go_when_the_budget_is_used_up(tmp_path: Path) -> None:
    values = np.ones((1, 2, 8), np.float32)
    size = len(values.tobytes()) + 128 + 4  # numpy's header, and the checksum
    old = FrameFeatures("old", tmp_path, 100 * size)
    for number in range(4):
        old.write(f"{number}", values)
        os.utime(tmp_path / "old" / f"{number}.npy", ns=(number, number))
    assert [file.stat().st_size for file in files_of(old)] == [size] * 4
    features = FrameFeatures("new", tmp_path, 5 * size)
    assert features.read("3") is None  # another encoder's
    old_again = FrameFeatures("old", tmp_path, 5 * size)
    assert old_again.read("1") is not None  # now among those that were used last
    for number in range(6):
        features.write(f"{number}", values)
    left = {file.name for file in tmp_path.glob("*/*")}
    assert len(list(tmp_path.glob("*/*"))) <= 5
    assert not (tmp_path / "old" / "0.npy").exists()
    assert {"0.npy", "1.npy", "2.npy"} <= left  # those of this run are kept, and later ones left out


def test_no_room_and_a_full_disk_cost_only_time(
    tiny: LoadedModel, videos: tuple[LabeledVideo, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIFI_FEATURE_CACHE_GB", "0")
    assert kept_features(tiny.network, tiny.card, ENTER.preprocessing, ENTER.arithmetic) is None
    monkeypatch.setenv("VIFI_FEATURE_CACHE_GB", "0.5")
    features = kept(tiny)
    assert features.budget_bytes == 500_000_000
    expected = predicted(tiny, clips_of(videos, None))
    paths.make_own_folder(features.folder)
    (features.folder / features.encoder).write_text("a file where the folder should be")
    found = predicted(tiny, clips_of(videos, features))
    np.testing.assert_allclose(found.probabilities, expected.probabilities, rtol=2e-5)
    tight = FrameFeatures("tight", features.folder.with_name("other"), 100)
    predicted(tiny, clips_of(videos, tight))
    assert not list(tight.folder.glob("*/*"))


def test_values_that_are_not_finite_are_not_kept(tmp_path: Path) -> None:
    features = FrameFeatures("broken", tmp_path, 10_000)
    features.write("1", np.full((1, 2, 8), np.nan, np.float32))
    assert features.read("1") is None


def test_what_is_reused_is_said_with_its_place(vifi_home: Path) -> None:
    assert reuse_in_words(1) == (
        f"frame features of 1 clip come from {vifi_home / 'cache' / 'features'}; delete that folder to encode them "
        "again"
    )
