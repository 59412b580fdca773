"""Classes of many videos: of each video as a unit, or over time with a picture of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vifi_cli.api.feedback import Feedback
from vifi_cli.api.models.video_model import Classifier, VideoModel, ranked
from vifi_cli.errors import InvalidInput, UnreadableVideo
from vifi_cli.evaluation.figures.strip import FRAMES, strip_picture
from vifi_cli.evaluation.testing.class_list import read_class_list
from vifi_cli.evaluation.testing.class_texts import read_class_texts
from vifi_cli.evaluation.testing.over_time import ClassifiedWindow, ClassSpan, class_spans
from vifi_cli.paths import given_path, replacing
from vifi_cli.video.clips.full_frames import clip_frames
from vifi_cli.video.files.discovery import find_videos
from vifi_cli.wording import printable


@dataclass(frozen=True, slots=True)
class Classified:
    """A video with the probability of each class, the most probable first."""

    path: Path
    probabilities: dict[str, float]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A video that cannot be decoded, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """The classes of a video over time.

    Attributes:
        path: of the video.
        class_names: C of them.
        windows: in order of time, with probabilities (C,).
        spans: consecutive windows with the same most probable class.
    """

    path: Path
    class_names: tuple[str, ...] = field(repr=False)
    windows: tuple[ClassifiedWindow, ...] = field(repr=False)
    spans: tuple[ClassSpan, ...]

    def write_picture(self, target: Path | str) -> None:
        """Draws frames of the video and a lane for each class, as PNG; replaces an existing file.

        Raises:
            OSError: it cannot be written; an earlier file stays complete.
        """
        frames = clip_frames(self.path, FRAMES)
        drawn = strip_picture(printable(self.path.name), frames, self.windows, self.spans)
        picture = given_path(Path(target))
        picture.parent.mkdir(parents=True, exist_ok=True)
        with replacing(picture) as unfinished:
            unfinished.write_bytes(drawn)


def videos_in(paths: Sequence[Path | str], feedback: Feedback) -> list[Path]:
    """The videos among files and in folders.

    Raises:
        InvalidInput: a path does not exist, or no video is found.
    """
    discovery = find_videos([given_path(Path(path)) for path in paths])
    for folder in discovery.unreadable_folders:
        feedback.note(f"{folder} cannot be read: its videos are skipped")
    if not discovery.videos:
        named = ", ".join(map(str, paths))
        raise InvalidInput(f"no videos in {named}: name a folder with videos, or a file of any name")
    return [file.path for file in discovery.videos]


def make_classifier(
    model: VideoModel, classes: str | None = None, texts: str | None = None, frames: int | None = None
) -> Classifier:
    """A classifier from the words of a user.

    Args:
        model: that classifies.
        classes: `a,b,c`, a file with one class per line, or the name of a public set; the model's own if None.
        texts: templates or descriptions of classes, a JSON file or the name of those that vifi ships.
        frames: per clip; as many as in training, or 8, if None.

    Raises:
        InvalidInput: classes or texts are missing, or do not fit.
    """
    class_texts = None if texts is None else read_class_texts(texts)
    return model.classifier(None if classes is None else read_class_list(classes), class_texts, frames)


def classify_videos(
    classifier: Classifier, videos: Sequence[Path]
) -> tuple[tuple[Classified, ...], tuple[Unreadable, ...]]:
    """The class probabilities of each video, and the videos that cannot be decoded.

    Raises:
        ModelUnavailable: the model's output is not finite.
    """
    predictions = classifier.predict(videos)
    classified = tuple(
        Classified(videos[video], ranked(probabilities, classifier.class_names))
        for video, probabilities in zip(predictions.videos.tolist(), predictions.probabilities, strict=True)
    )
    return classified, tuple(Unreadable(videos[video], reason) for video, reason in predictions.unreadable)


def timelines(
    classifier: Classifier, videos: Sequence[Path], window_seconds: float
) -> Iterator[Timeline | Unreadable]:
    """The classes of each video over time, one video after the other."""
    for path in videos:
        try:
            windows = classifier.over_time(path, window_seconds)
        except UnreadableVideo as error:
            yield Unreadable(path, str(error))
        else:
            yield Timeline(
                path, classifier.class_names, windows, class_spans(windows, classifier.class_names)
            )
