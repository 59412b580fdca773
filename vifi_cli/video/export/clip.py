"""Writes a moment as a clip, re-encoded, so that it begins and ends exactly where it should."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vifi_cli.video.container.container import OpenVideo
from vifi_cli.video.export.companions import described
from vifi_cli.video.export.movie import Movie, PictureTiming
from vifi_cli.video.export.open_moment import OpenMoment, open_moment
from vifi_cli.video.export.picture_fitting import PictureFitter, canvas_of, lowered
from vifi_cli.video.export.sound import OpenSound, SoundFormat, SoundTrack, open_sound
from vifi_cli.video.moment import Moment
from vifi_cli.wording import counted

HIGHEST_RATE, USUAL_RATE, USUAL_UNIT = Fraction(240), Fraction(25), Fraction(1, 1000)
FINE_SECONDS, COARSEST_SECONDS = 0.0005, 0.002  # Matroska and WebM store milliseconds


@dataclass(frozen=True, slots=True)
class Clip:
    """A written clip: where in the video it begins and ends, and how it differs from it, in words for the user."""

    start_seconds: float
    end_seconds: float
    has_sound: bool
    remarks: tuple[str, ...] = ()


def write_clip(
    moment: Moment, target: Path, report: Callable[[float], None], *, draft_height: int | None = None
) -> Clip:
    """Writes a moment, widened to full frames, as MP4: h264, upright, with its frames' times, and AAC if it has sound.

    With `draft_height`, in pixels, a preview no higher than that, encoded fast. Calls `report` often with the seconds
    done.
    """
    done = 0.0
    with open_moment(moment, lambda: report(done)) as opened, open_sound(moment.path, opened.clock) as sound:
        aspect = opened.video.stream.sample_aspect_ratio
        canvas = canvas_of(opened.first, aspect)
        is_draft = draft_height is not None
        if draft_height is not None:
            canvas = lowered(canvas, draft_height)
        fit = PictureFitter(canvas, aspect)
        track, left_out = sound_track(opened, sound), _left_out(opened, sound)
        timing = _timing(opened.video)
        rate, sound_format = timing.rate, track.format if track else None
        with Movie(target, canvas, timing, sound_format, is_draft=is_draft) as movie:
            for shown in opened.frames():
                start, done = done, _steadied(shown.end_seconds - opened.start_seconds, opened.video, rate)
                movie.add_picture(fit(shown.frame), start, done)
                if track is not None:
                    movie.add_sound(track.until(done))
    end_seconds = opened.start_seconds + done
    return Clip(opened.start_seconds, end_seconds, track is not None, _remarks(opened, fit, left_out))


def sound_track(
    opened: OpenMoment, sound: OpenSound | None, wanted: SoundFormat | None = None
) -> SoundTrack | None:
    """The sound from where a moment begins; None without sound."""
    if sound is None:
        return None
    return sound.track(opened.video.file_seconds(opened.start_seconds), wanted)


def rate_of(video: OpenVideo) -> Fraction:
    """The frames per second that the file declares, if a player can show that many; else a usual rate."""
    if video.clock is not None and video.clock.frame_seconds:  # what is declared counts gaps that are none
        return Fraction(1 / video.clock.frame_seconds).limit_denominator(1001)
    rate = video.stream.average_rate or video.stream.guessed_rate or USUAL_RATE
    return rate if rate <= HIGHEST_RATE else USUAL_RATE


def _timing(video: OpenVideo) -> PictureTiming:
    rate = rate_of(video)
    unit = Fraction(1, rate.numerator) if _has_coarse_times(video) else video.stream.time_base
    return PictureTiming(rate, unit or USUAL_UNIT)


def _has_coarse_times(video: OpenVideo) -> bool:
    """Whether a file rounds its times, so that a constant frame rate seems uneven."""
    return COARSEST_SECONDS > video.tick_seconds > FINE_SECONDS


def _steadied(seconds: float, video: OpenVideo, rate: Fraction) -> float:
    """Undoes the rounding of a file with coarse times, if a frame at the usual rate is that near."""
    at_rate = float(round(seconds * rate) / rate)
    return at_rate if _has_coarse_times(video) and abs(at_rate - seconds) <= video.tick_seconds else seconds


def _left_out(opened: OpenMoment, sound: OpenSound | None) -> list[str]:
    """What a video holds beside its pictures and main sound, in words for the user."""
    kept, container = None if sound is None else sound.stream.index, opened.video.container
    others = [
        described(stream)
        for stream in container.streams
        if stream.type in ("audio", "subtitle") and stream.index != kept
    ]
    return [*others, "chapters"] if container.chapters() else others


def _remarks(opened: OpenMoment, fit: PictureFitter, left_out: list[str]) -> tuple[str, ...]:
    remarks = [opened.video.ignored_streams] if opened.video.ignored_streams else []
    if left_out:
        remarks.append(f"not in the clip: {', '.join(left_out)}; --copy keeps them")
    if fit.hdr:
        remarks.append(f"its HDR ({fit.hdr}) was converted to SDR")
    if opened.video.packets_damaged:
        remarks.append(
            f"{counted(opened.video.packets_damaged, 'damaged packet was', 'damaged packets were')} skipped"
        )
    return tuple(remarks)
