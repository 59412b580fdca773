"""Where models look in a video, and what speaks for a text: maps, a contact sheet and a film of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.api.feedback import LOGGED, Feedback, Task
from vifi_cli.api.models.video_model import VideoModel, existing_video, naming
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.figures.attention import attention_pictures, attention_sheet
from vifi_cli.evaluation.testing.attention import Looker, SeenFrame, watch_model
from vifi_cli.model.looking.frame_maps import Method
from vifi_cli.paths import given_path, replacing
from vifi_cli.video.clips.full_frames import WholeFrame, clip_frames, expected_frames, steady_frames
from vifi_cli.video.decode.picture import Picture
from vifi_cli.video.export.movie import write_mp4
from vifi_cli.video.moment import WHOLE_VIDEO, TimeRange
from vifi_cli.wording import printable


@dataclass(frozen=True, slots=True, eq=False)
class Attention:
    """What models look at in the frames of a test clip, and the means to draw it.

    Attributes:
        path: the video.
        text: what was looked for, or None.
        span: the part of the video.
        clip: T frames of it.
        watched: M models with their method, which is named by `explained`.
        seen: what each of them makes of each frame, M x T: a map float32 (rows, columns), and the cosine with the text.
        feedback: hears how far drawing has come.
    """

    path: Path
    text: str | None
    span: TimeRange
    clip: tuple[WholeFrame, ...]
    watched: tuple[Looker, ...]
    seen: tuple[tuple[SeenFrame, ...], ...]
    feedback: Feedback

    def write_sheet(self, target: Path | str) -> None:
        """Draws the frames, and below them where each model looks, as PNG; a file that is there is replaced."""
        name = self.path.name
        heading = printable(f"{name}: “{self.text}”" if self.text else name)
        drawn = attention_sheet(heading, self.clip, self.watched, self.seen)
        sheet = _made_room(target)
        with replacing(sheet) as unfinished:
            unfinished.write_bytes(drawn)

    def write_film(self, target: Path | str, frames_per_second: float = 5.0) -> None:
        """Draws the whole part of the video, models side by side, as MP4; a file that is there is replaced.

        Raises:
            UnreadableVideo: a frame cannot be had from the video.
        """
        film = _made_room(target)
        total = expected_frames(self.path, frames_per_second, self.span)
        with (
            naming(self.path),
            self.feedback.task("Drawing the film", total, "frames") as report,
            replacing(film) as unfinished,
        ):
            pictures = attention_pictures(
                steady_frames(self.path, frames_per_second, self.span), self.watched
            )
            write_mp4(unfinished, _telling(pictures, report), frames_per_second)


def check_text(text: str | None) -> None:
    """Raises InvalidInput for a text that says nothing."""
    if text is not None and not text.strip():
        raise InvalidInput('--text is empty: say what to look for, as in --text "a dog", or leave it away')


def _telling(pictures: Iterator[tuple[float, Picture]], report: Task) -> Iterator[tuple[float, Picture]]:
    """The same pictures; tells how many have been drawn."""
    for count, picture in enumerate(pictures, start=1):
        yield picture
        report(count)


def _made_room(target: Path | str) -> Path:
    path = given_path(Path(target))
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def attention(
    video: Path | str,
    models: VideoModel | Sequence[VideoModel],
    text: str | None = None,
    *,
    method: Method | None = None,
    frames: int | None = None,
    span: TimeRange = WHOLE_VIDEO,
    feedback: Feedback = LOGGED,
) -> Attention:
    """Looks where models look in a video, in the frames that a test would take of it.

    Args:
        video: a file.
        models: one, or several to stand side by side.
        text: show what speaks for it; None to show what the models look at by themselves.
        method: `last`, `rollout`, `relevance` or `cam`; what suits each model and the text if None.
        frames: T; as many as in training, or 8, if None.
        span: the part of the video.
        feedback: hears how far it has come.

    Raises:
        InvalidInput: there is no such file, the text is empty, or no map can be made of a model by this method.
        UnreadableVideo: the video cannot be read.
    """
    path = existing_video(video)
    check_text(text)
    several = (models,) if isinstance(models, VideoModel) else tuple(models)
    watched = tuple(watch_model(one.name, one.loaded, one.device, text, method) for one in several)
    for one in several:
        if one.loaded.network.fusion == "image":
            feedback.note(f"{one.name} averages the pictures of a clip; here it looks at each one by itself")
    with naming(path):
        clip = clip_frames(path, frames or max(one.frames for one in several), span)
    pictures = [frame.picture for frame in clip]
    seen, done = [], 0
    with feedback.task("Looking", len(watched) * len(clip)) as report:
        for looker in watched:

            def count(more: int) -> None:
                nonlocal done
                done += more
                report(done)

            seen.append(tuple(looker.see(pictures, count)))
    return Attention(path, text, span, tuple(clip), watched, tuple(seen), feedback)
