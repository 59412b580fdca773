"""Real odd files, all in one run: each is decoded, or fails with the true reason."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.decoded_videos import read_video
from vifi_cli.video.decode.frame_sampling import FrameSampling
from vifi_cli.video.files.discovery import find_videos
from vifi_cli.video.pictures.frames import FrameGeometry, Frames, VideoInfo
from vifi_cli.video.workers.decode_ahead import (
    DecodedChunk,
    DecodedVideo,
    Decoders,
    FailedVideo,
    decode_ahead,
)

ODD = Path(__file__).parents[3].parent / "shared" / "videos" / "odd"
pytestmark = pytest.mark.skipif(not ODD.is_dir(), reason="the shared odd videos are not at hand")

Outcome = tuple[list[Frames], VideoInfo | str]
GEOMETRY = FrameGeometry(64, 64)


@pytest.fixture(scope="module")
def outcomes() -> dict[Path, Outcome]:
    paths = [video.path for video in find_videos([ODD]).videos]
    results: dict[Path, Outcome] = {}
    chunks: dict[int, list[Frames]] = {}
    for event in decode_ahead(paths, FrameSampling(), GEOMETRY, Decoders(workers=2, stall_seconds=30)):
        if isinstance(event, DecodedChunk):
            chunks.setdefault(event.position, []).append(event.frames)
        elif isinstance(event, DecodedVideo):
            results[paths[event.position]] = chunks[event.position], event.info
        elif isinstance(event, FailedVideo):
            results[paths[event.position]] = [], event.reason
    return results


def within(outcomes: dict[Path, Outcome], folder: str) -> Iterator[tuple[str, list[Frames], VideoInfo | str]]:
    for path, (chunks, info) in outcomes.items():
        if path.parent.name == folder:
            yield path.name, chunks, info


def test_every_file_has_an_outcome(outcomes: dict[Path, Outcome]) -> None:
    assert len(outcomes) == len([path for path in ODD.rglob("*") if path.is_file()])


def test_all_that_is_decoded_is_sound(outcomes: dict[Path, Outcome]) -> None:
    for path, (chunks, info) in outcomes.items():
        if isinstance(info, VideoInfo):
            seconds = np.concatenate([chunk.seconds for chunk in chunks])
            assert (np.diff(seconds) > 0).all(), path.name
            assert seconds[0] >= 0, path.name
            assert seconds[-1] <= info.duration_seconds, path.name


@pytest.mark.parametrize("folder", [folder.name for folder in ODD.glob("codec_*")] + ["high_bit_depth"])
def test_all_codecs_are_decoded(outcomes: dict[Path, Outcome], folder: str) -> None:
    for name, _, info in within(outcomes, folder):
        assert isinstance(info, VideoInfo), f"{name}: {info}"
        assert info.warning is None, name


def test_files_without_pictures_say_so(outcomes: dict[Path, Outcome]) -> None:
    assert {info for _, _, info in within(outcomes, "no_video_stream")} == {"no video stream"}


def test_files_with_headers_alone_say_so(outcomes: dict[Path, Outcome]) -> None:
    for name, _, info in within(outcomes, "no_decodable_frames"):
        assert isinstance(info, str), name
        assert info == "no frame in its video stream" or info.startswith("cut off: none of its"), name


def test_one_or_two_frames_are_given_once(outcomes: dict[Path, Outcome]) -> None:
    for name, chunks, _ in within(outcomes, "one_or_two_frames"):
        assert sum(len(chunk) for chunk in chunks) in (1, 2), name


def test_rotated_pictures_stand_upright(outcomes: dict[Path, Outcome]) -> None:
    sizes = {
        name: (info.width, info.height)
        for name, _, info in within(outcomes, "rotated")
        if isinstance(info, VideoInfo)
    }
    assert sizes == {
        "decord__video_180.mov": (568, 320),
        "decord__video_270.mov": (320, 568),
        "decord__video_90.mov": (320, 568),
        "mp4parse-rust__video_rotation_90.mp4": (60, 100),
        "torchcodec__nasa_13013_rotated.mp4": (270, 480),
    }


def test_turned_copies_of_one_scene_look_the_same() -> None:
    """The three files show one scene, filmed with the phone held in three ways."""
    tall = [
        read_video(ODD / "rotated" / f"decord__video_{turn}.mov", FrameSampling(), GEOMETRY)
        for turn in (90, 270)
    ]
    first, second = (frames.pixels[0].astype(float) for frames, _ in tall)
    assert np.abs(first - second).mean() < np.abs(first - second[::-1, ::-1]).mean()


def test_damaged_files_give_what_they_have(outcomes: dict[Path, Outcome]) -> None:
    made = {name: info for name, _, info in within(outcomes, "made_here")}
    assert made["garbage.mp4"] == made["text_named.mp4"]
    assert str(made["garbage.mp4"]).startswith("not a video FFmpeg can read")
    assert str(made["truncated_half.mp4"]).startswith("the file is cut off")
    assert made["zero_length.mp4"] == "the file is empty"
    for name, remark in (("bitrot.mp4", "damaged packets"), ("truncated_half.mkv", "of 10.4 s")):
        info = made[name]
        assert isinstance(info, VideoInfo)
        assert remark in str(info.warning)


def test_encrypted_files_say_so(outcomes: dict[Path, Outcome]) -> None:
    reasons = {name: info for name, _, info in within(outcomes, "unopenable_InvalidDataError")}
    assert reasons["mp4parse-rust__short-cenc.mp4"] == "encrypted"
    assert all(isinstance(reason, str) for reason in reasons.values())


def test_frames_after_a_damaged_start_or_in_a_wrong_order_are_found(outcomes: dict[Path, Outcome]) -> None:
    for name, chunks, info in within(outcomes, "corrupt_but_opens"):
        assert isinstance(info, VideoInfo), name
        assert chunks, name
