"""Writes a moment as a separate clip, re-encoded, so that it begins and ends exactly where it should."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vifi_cli.video.decode.container import OpenVideo
from vifi_cli.video.export.movie import Movie, PictureTiming
from vifi_cli.video.export.open_moment import OpenMoment, open_moment
from vifi_cli.video.export.picture_fitting import PictureFitter, canvas_of, lowered
from vifi_cli.video.export.sound import OpenSound, SoundFormat, SoundTrack, open_sound
from vifi_cli.video.moment import Moment

HIGHEST_RATE, USUAL_RATE, USUAL_UNIT = Fraction(240), Fraction(25), Fraction(1, 1000)
FINE_SECONDS, COARSEST_SECONDS = 0.0005, 0.002  # Matroska and WebM store milliseconds


@dataclass(frozen=True, slots=True)
class Clip:
    """What a written clip holds.

    Attributes:
        start_seconds: where in the video it begins: with the frame on screen at the start asked for.
        end_seconds: where in the video it ends.
        has_sound: whether it has sound.
        remarks: where it differs from the video, in words for the user.
    """

    start_seconds: float
    end_seconds: float
    has_sound: bool
    remarks: tuple[str, ...] = ()


def write_clip(
    moment: Moment, target: Path, report: Callable[[float], None], *, draft_height: int | None = None
) -> Clip:
    """Writes a moment as MP4: h264, upright, with its frames' times, and AAC if the video has sound.

    Args:
        moment: what to write; it is widened to full frames.
        target: the file to write; see `paths.replacing`.
        report: called often with the seconds done.
        draft_height: for a preview: no higher than so many pixels, and encoded fast.

    Raises:
        UnreadableVideo: the moment has no frame.
        OSError: the clip cannot be written.
    """
    done = 0.0
    with (
        open_moment(moment, lambda: report(done)) as opened,
        open_sound(moment.path) as sound,
    ):
        stream = opened.video.stream
        canvas = canvas_of(opened.first, stream.sample_aspect_ratio)
        if draft_height is not None:
            canvas = lowered(canvas, draft_height)
        fit = PictureFitter(canvas, stream.sample_aspect_ratio)
        track = sound_track(opened, sound)
        rate = rate_of(opened.video)
        unit = (
            Fraction(1, rate.numerator) if has_coarse_times(opened.video) else stream.time_base or USUAL_UNIT
        )
        sound_format = track.format if track else None
        is_draft = draft_height is not None
        with Movie(target, canvas, PictureTiming(rate, unit), sound_format, is_draft=is_draft) as movie:
            for shown in opened.frames():
                start, done = done, _steadied(shown.end_seconds - opened.start_seconds, opened.video, rate)
                movie.add_picture(fit(shown.frame), start, done)
                if track is not None and not opened.clock_was_set_back:
                    movie.add_sound(track.until(done))
    end_seconds = opened.start_seconds + done
    return Clip(opened.start_seconds, end_seconds, track is not None, remarks_on(opened, fit))


def sound_track(
    opened: OpenMoment, sound: OpenSound | None, wanted: SoundFormat | None = None
) -> SoundTrack | None:
    """The sound from where a moment begins, if there is any and the video's clock can place it."""
    if sound is None or opened.clock_was_set_back:
        return None
    return sound.track(opened.video.file_seconds(opened.start_seconds), wanted)


def rate_of(video: OpenVideo) -> Fraction:
    """Usual number of frames per second, if the file declares one that a player can show."""
    rate = video.stream.average_rate or video.stream.guessed_rate or USUAL_RATE
    return rate if rate <= HIGHEST_RATE else USUAL_RATE


def has_coarse_times(video: OpenVideo) -> bool:
    """Whether a file rounds its times, so that a constant frame rate seems uneven."""
    return COARSEST_SECONDS > video.tick_seconds > FINE_SECONDS


def _steadied(seconds: float, video: OpenVideo, rate: Fraction) -> float:
    """A time without the rounding of a file with coarse times, if it is that of a frame at the usual rate."""
    at_rate = float(round(seconds * rate) / rate)
    return at_rate if has_coarse_times(video) and abs(at_rate - seconds) <= video.tick_seconds else seconds


def remarks_on(opened: OpenMoment, fit: PictureFitter) -> tuple[str, ...]:
    """Where a written moment differs from the video."""
    remarks = []
    if fit.hdr:
        remarks.append(f"its HDR ({fit.hdr}) was converted to SDR")
    if opened.video.packets_damaged:
        remarks.append(f"{opened.video.packets_damaged} damaged packets were skipped")
    if opened.clock_was_set_back:
        remarks.append("its clock is set back on the way, so the sound after that is left out")
    return tuple(remarks)
