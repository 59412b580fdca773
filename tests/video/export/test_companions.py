"""Copied clips keep every sound track, subtitle, font and chapter, at the right time, or name what is lost."""

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image

from tests.made_videos import noise, numbered_frames, write_video
from tests.video.export.played import lag
from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.export.clip import Clip, write_clip
from vifi_cli.video.export.copied_clip import copied_suffix, copy_clip
from vifi_cli.video.moment import Moment

SHARED = Path(__file__).parents[3].parent / "shared" / "videos" / "wild"
RATE = 48_000
LANGUAGES = "ger", "eng"
SUBTITLES = (
    (0.5, 1.0, "before"),
    (1.5, 2.0, "across the start"),
    (3.0, 0.5, "inside"),
    (3.9, 2.0, "across the end"),
)
CHAPTERS = ((0, 1500, "first"), (1500, 3500, "second"), (3500, 6000, "third"))


def write_film(path: Path, subtitles: str | None = "subrip", sound: str = "aac", start: float = 0.0) -> Path:
    """Six seconds of numbered frames, two languages, subtitles, chapters and, in Matroska, a font."""
    plain = write_video(path.with_name("plain.mp4"), numbered_frames(60), gop=10)
    with av.open(plain) as given, av.open(path, "w") as output:
        film = output.add_stream_from_template(given.streams.video[0])
        tracks = [output.add_stream(sound, rate=RATE, layout="mono") for _ in LANGUAGES]
        for place, (track, language) in enumerate(zip(tracks, LANGUAGES, strict=True)):
            track.metadata["language"], track.disposition = language, place  # the second is the default
        text = output.add_mux_stream(subtitles) if subtitles else None
        if text is not None:
            text.metadata["language"], text.time_base = "fre", Fraction(1, 1000)
        if path.suffix == ".mkv":
            output.add_attachment("font.ttf", "font/ttf", b"letters")
        unit = Fraction(1, 1000)
        output.set_chapters(
            [
                {"id": place, "start": begins, "end": ends, "time_base": unit, "metadata": {"title": title}}
                for place, (begins, ends, title) in enumerate(CHAPTERS)
            ]
        )
        output.metadata["title"] = "A film"
        packets = [packet for packet in given.demux(video=0) if packet.size]
        for packet in packets:
            packet.stream = film
        for seed, track in enumerate(tracks):
            samples = noise(6.0, RATE, seed=seed)
            for place in range(0, samples.shape[1], 1024):
                frame = av.AudioFrame.from_ndarray(
                    np.ascontiguousarray(samples[:, place : place + 1024]), "fltp", "mono"
                )
                frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), place
                packets += track.encode(frame)
            packets += track.encode(None)
        for begins, length, words in SUBTITLES if text is not None else ():
            packet = av.Packet(words.encode())
            packet.stream, packet.time_base = text, Fraction(1, 1000)
            packet.pts = packet.dts = round(begins * 1000)
            packet.duration = round(length * 1000)
            packets.append(packet)
        for packet in sorted(packets, key=lambda one: one.dts * one.time_base):
            ticks = round(start / packet.time_base)
            packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
            output.mux(packet)
    return path


def copy(video: Path, start: float, end: float) -> tuple[Clip, Path]:
    target = video.with_name("clip" + copied_suffix(video))
    return copy_clip(Moment(video, start, end), target, lambda _: None), target


def test_everything_in_matroska_is_kept_at_its_time(tmp_path: Path) -> None:
    clip, path = copy(write_film(tmp_path / "film.mkv"), 2.0, 4.0)
    assert (clip.start_seconds, clip.has_sound, clip.remarks) == (2.0, True, ())
    with av.open(path) as container:
        kinds = [(one.type, one.language, int(one.disposition) & 1) for one in container.streams]
        assert kinds == [
            ("video", None, 0),
            ("audio", "ger", 0),
            ("audio", "eng", 1),
            ("subtitle", "fre", 0),
            ("attachment", None, 0),
        ]
        assert container.streams.attachments[0].data == b"letters"
        assert container.metadata["title"] == "A film"
        chapters = [
            (
                float(one["start"] * one["time_base"]),
                float(one["end"] * one["time_base"]),
                one["metadata"]["title"],
            )
            for one in container.chapters()
            if one["time_base"]
        ]
        assert chapters == [(0.0, 1.5, "second"), (1.5, 2.0, "third")]
        shown = [
            (float(packet.pts * packet.time_base), float(packet.duration * packet.time_base), bytes(packet))
            for packet in container.demux(subtitles=0)
            if packet.pts is not None and packet.duration is not None and packet.size
        ]
        assert shown == [
            (0.0, 1.5, b"across the start"),
            (1.0, 0.5, b"inside"),
            (1.9, pytest.approx(0.1), b"across the end"),
        ]


@pytest.mark.parametrize("name", ["film.mkv", "film.mp4", "film.mov", "film.ts"])
def test_every_language_is_in_step(tmp_path: Path, name: str) -> None:
    video = write_film(tmp_path / name, None, start=3.0 if name.endswith(".ts") else 0.0)
    _, path = copy(video, 2.0, 4.0)
    for place in range(len(LANGUAGES)):
        with av.open(path) as container:
            assert container.streams.audio[place].language == LANGUAGES[place]
            first = next(container.decode(video=0))
        with av.open(path) as container:
            frames = list(container.decode(audio=place))
        heard = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
        late = lag(heard, noise(6.0, RATE, seed=place), RATE) / RATE - 2.0
        assert frames[0].time is not None
        assert first.time is not None
        assert late == pytest.approx(frames[0].time - first.time, abs=0.025), place
        assert heard.shape[1] / RATE == pytest.approx(2.0, abs=0.1)


def test_subtitles_and_chapters_of_mp4(tmp_path: Path) -> None:
    video = write_film(tmp_path / "film.mp4", None)
    clip, path = copy(video, 2.0, 4.0)
    assert clip.remarks == ()
    with av.open(path) as container:
        assert [one["metadata"]["title"] for one in container.chapters()] == ["second", "third"]
        assert [one.type for one in container.streams if one.type in ("audio", "video")] == [
            "video",
            "audio",
            "audio",
        ]


def test_what_a_container_cannot_hold_is_named(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mkv")
    film.rename(tmp_path / "film.mp4")  # a Matroska file, to be copied into MP4
    clip, path = copy(tmp_path / "film.mp4", 2.0, 4.0)
    assert clip.remarks == (".mp4 cannot hold, so not copied: subtitles #3 (srt, fre), attachment #4",)
    with av.open(path) as container:
        assert [one.type for one in container.streams if one.type != "data"] == ["video", "audio", "audio"]


def test_chapters_that_a_transport_stream_cannot_hold_are_named(tmp_path: Path) -> None:
    write_film(tmp_path / "film.mkv", None).rename(tmp_path / "film.ts")
    clip, _ = copy(tmp_path / "film.ts", 2.0, 4.0)
    assert clip.remarks == (".ts cannot hold, so not copied: attachment #3, chapters",)


def test_no_clip_without_the_sound_of_its_video(tmp_path: Path) -> None:
    write_film(tmp_path / "film.mkv", None).rename(tmp_path / "film.webm")
    with pytest.raises(UnreadableVideo, match=r"it cannot be copied into \.webm"):
        copy(tmp_path / "film.webm", 2.0, 4.0)


def test_a_re_encoded_clip_names_the_sound_it_does_not_keep(tmp_path: Path) -> None:
    clip = write_clip(
        Moment(write_film(tmp_path / "film.mkv"), 2.0, 4.0), tmp_path / "clip.mp4", lambda _: None
    )
    assert clip.remarks == (
        "not in the clip: sound #1 (aac, ger), subtitles #3 (srt, fre), chapters; --copy keeps them",
    )


def test_cover_art_is_named_since_a_clip_has_none(tmp_path: Path) -> None:
    plain = write_video(tmp_path / "plain.mp4", numbered_frames(30), gop=10)
    cover = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(cover, "JPEG")
    with av.open(plain) as given, av.open(tmp_path / "film.mp4", "w") as output:
        film = output.add_stream_from_template(given.streams.video[0])
        picture = output.add_stream("mjpeg", rate=10)
        picture.width, picture.height, picture.pix_fmt = 64, 64, "yuvj420p"
        picture.disposition = Disposition.attached_pic
        output.start_encoding()
        packet = av.Packet(cover.getvalue())
        packet.stream, packet.pts, packet.dts, packet.time_base = picture, 0, 0, Fraction(1, 10)
        output.mux(packet)
        for packet in given.demux(video=0):
            if packet.size:
                packet.stream = film
                output.mux(packet)
    clip, _ = copy(tmp_path / "film.mp4", 1.0, 2.0)
    assert clip.remarks == ("without its cover art",)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared clips are not at hand")
def test_a_timecode_is_named_since_it_is_that_of_the_first_frame(tmp_path: Path) -> None:
    target = tmp_path / "clip.mkv"
    clip = copy_clip(Moment(SHARED / "timecode.mkv", 0.0, 1.0), target, lambda _: None)
    assert clip.remarks == ("without its timecode",)
    with av.open(target) as container:
        assert "10:20:30:12" not in container.metadata.values()
