"""Attention maps: where models look in a video, or the evidence for a text, as a contact sheet and a film."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from vifi_cli.api.feedback import Feedback, Task
from vifi_cli.api.models.video_model import VideoModel, existing_video, naming
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.figures.attention import attention_pictures, attention_sheet
from vifi_cli.evaluation.testing.attention import FrameAttention, WatchedModel, watch_model
from vifi_cli.model.attention.frame_maps import Method
from vifi_cli.paths import given_path, replacing, write_file
from vifi_cli.video.clips.full_frames import FullFrame, clip_frames, expected_frames, steady_frames
from vifi_cli.video.export.movie import write_mp4
from vifi_cli.video.moment import WHOLE_VIDEO, TimeRange
from vifi_cli.video.pictures.picture import Picture
from vifi_cli.wording import printable


@dataclass(frozen=True, slots=True, eq=False)
class Attention:
    """Where models look in the frames of a test clip; it can be drawn.

    Each of M models has seen T frames of the clip, with a map float32 (rows, columns) and a cosine with the text each.
    `feedback` receives the progress of drawing.
    """

    path: Path
    text: str | None
    part: TimeRange
    clip: tuple[FullFrame, ...] = field(repr=False)
    watched: tuple[WatchedModel, ...]
    seen: tuple[tuple[FrameAttention, ...], ...] = field(repr=False)
    feedback: Feedback = field(repr=False)

    def write_sheet(self, target: Path | str) -> None:
        """Draws the frames and the maps of each model as PNG; replaces an existing file."""
        name = self.path.name
        heading = printable(f"{name}: “{self.text}”" if self.text else name)
        write_file(given_path(target), attention_sheet(heading, self.clip, self.watched, self.seen))

    def write_film(self, target: Path | str, frames_per_second: float = 5.0) -> None:
        """Draws the part of the video as MP4, models side by side; replaces an existing file.

        Raises:
            UnreadableVideo: a frame cannot be decoded.
        """
        film = given_path(target)
        film.parent.mkdir(parents=True, exist_ok=True)
        total = expected_frames(self.path, frames_per_second, self.part)
        with (
            naming(self.path),
            self.feedback.task("Drawing the film", total, "frames") as report,
            replacing(film) as unfinished,
        ):
            pictures = attention_pictures(
                steady_frames(self.path, frames_per_second, self.part), self.watched
            )
            write_mp4(unfinished, _reporting(pictures, report), frames_per_second)


def check_text(text: str | None) -> None:
    """Raises InvalidInput for a blank text."""
    if text is not None and not text.strip():
        raise InvalidInput('--text is empty: name what to look for, as in --text "a dog", or omit it')


def _reporting(pictures: Iterator[tuple[float, Picture]], report: Task) -> Iterator[tuple[float, Picture]]:
    for count, picture in enumerate(pictures, start=1):
        yield picture
        report(count)


def attention(
    video: Path | str,
    models: VideoModel | Sequence[VideoModel],
    text: str | None = None,
    *,
    method: Method | None = None,
    frames: int | None = None,
    part: TimeRange = WHOLE_VIDEO,
) -> Attention:
    """Shows where models look in a video, in the frames that a test takes of it.

    Args:
        video: a file.
        models: one, or several to show side by side. The first one's feedback receives the progress.
        text: show the evidence for it; None shows what the models look at without a text.
        method: `last`, `rollout`, `relevance` or `cam`; None for the one that suits each model and the text.
        frames: T; as many as in training, or 8, if None; of several models the most.
        part: of the video.

    Raises:
        InvalidInput: the file is missing, the text is blank, or the method does not fit a model.
        UnreadableVideo: the video cannot be decoded.
    """
    path = existing_video(video)
    check_text(text)
    several = (models,) if isinstance(models, VideoModel) else tuple(models)
    feedback = several[0].feedback
    watched = tuple(watch_model(one.name, one.loaded, one.device, text, method) for one in several)
    for one in several:
        if one.loaded.network.fusion == "image":
            feedback.note(f"{one.name} averages the pictures of a clip; this shows each picture separately")
    most = max(one.frames for one in several)
    if not frames and any(one.frames != most for one in several):
        each = ", ".join(f"{one.name} {one.frames}" for one in several)
        feedback.note(
            f"all models see {most} frames, though trained with others ({each}); --frames changes it"
        )
    with naming(path):
        clip = clip_frames(path, frames or most, part)
    pictures = [frame.picture for frame in clip]
    seen: list[FrameAttention] = []
    with feedback.task("Looking", len(watched) * len(clip)) as report:
        for frame in chain.from_iterable(looker.see(pictures) for looker in watched):
            seen.append(frame)
            report(len(seen))
    by_model = tuple(tuple(seen[start : start + len(clip)]) for start in range(0, len(seen), len(clip)))
    return Attention(path, text, part, tuple(clip), watched, by_model, feedback)
