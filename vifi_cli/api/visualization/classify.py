"""Classes of many videos: of each complete video, or over time with a picture of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vifi_cli.api.feedback import Feedback
from vifi_cli.api.models.video_model import Classifier, VideoModel, ranked
from vifi_cli.data.formats.label_file import read_label_file
from vifi_cli.data.formats.text_file import numbered_lines
from vifi_cli.data.public_datasets.datasets import PUBLIC_SETS, SET_OF_NAME
from vifi_cli.data.public_datasets.loading import class_names_of_set
from vifi_cli.errors import InvalidInput, UnreadableVideo
from vifi_cli.evaluation.figures.strip import FRAMES, strip_picture
from vifi_cli.evaluation.testing.class_text_files import read_class_texts
from vifi_cli.evaluation.testing.over_time import ClassifiedWindow, ClassSpan, class_spans
from vifi_cli.paths import check_visible, given_path, is_given_file, write_file
from vifi_cli.settings.settings import load_settings
from vifi_cli.video.clips.full_frames import clip_frames
from vifi_cli.video.files.discovery import find_videos
from vifi_cli.video.files.virtual.frame_folders import WantedFrameFolders
from vifi_cli.wording import counted, printable


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
class ClassesOverTime:
    """The classes of a video over time: windows with probabilities (C,) of all classes.

    `spans` join consecutive windows with the same most probable class.
    """

    path: Path
    class_names: tuple[str, ...] = field(repr=False)
    windows: tuple[ClassifiedWindow, ...] = field(repr=False)
    spans: tuple[ClassSpan, ...]

    def write_picture(self, target: Path | str) -> None:
        """Draws frames of the video and a lane for every class, as PNG; replaces an existing file."""
        frames = clip_frames(self.path, FRAMES)
        drawn = strip_picture(printable(self.path.name), frames, self.windows, self.spans, self.class_names)
        write_file(given_path(target), drawn)


def videos_in(paths: Sequence[Path | str], feedback: Feedback) -> list[Path]:
    """The videos among files and in folders.

    Raises:
        InvalidInput: a path does not exist, or no video is found.
    """
    given = [given_path(path) for path in paths]
    discovery = find_videos(given, frame_folders=WantedFrameFolders(load_settings().frame_folders))
    skipped = discovery.skipped.get("frame_folder", 0)
    pictures = f"{counted(skipped, 'folder')} of numbered pictures"
    if skipped and discovery.videos:
        feedback.note(
            f"skipped: {pictures} (`vifi config set frame_folders true` reads such folders as videos)"
        )
    elif skipped:  # then these are meant
        discovery = find_videos(given, frame_folders=WantedFrameFolders(are_wanted=True))
        feedback.note(f"no other videos, so vifi reads {pictures} as videos if they look like frames")
    for folder in discovery.unreadable_folders:
        feedback.note(f"{folder} cannot be read: its videos are skipped")
    if not discovery.videos and discovery.unreadable_folders == discovery.roots:
        check_visible(discovery.roots[0])
    if not discovery.videos:
        named = ", ".join(map(str, paths))
        raise InvalidInput(f"no videos in {named}: name a folder with videos, or a file of any name")
    return [file.path for file in discovery.videos]


def make_classifier(
    model: VideoModel, classes: str | None = None, texts: str | None = None, frames: int | None = None
) -> Classifier:
    """A classifier from the words of a user.

    Args:
        model: the model that classifies.
        classes: `a,b,c`, a file with one class per line, or the name of a public set; the model's own if None.
        texts: templates or descriptions of classes, a JSON file or the name of those that vifi ships.
        frames: per clip; as many as in training, or 8, if None.

    Raises:
        InvalidInput: classes or texts are missing, or do not fit.
    """
    class_texts = None if texts is None else read_class_texts(texts)
    return model.classifier(None if classes is None else read_class_list(classes), class_texts, frames)


def classify_videos(classifier: Classifier, videos: Sequence[Path]) -> Iterator[Classified | Unreadable]:
    """The class probabilities of each video, then the videos that cannot be decoded.

    Raises:
        ModelUnavailable: the model's output is not finite.
    """
    predictions = classifier.predict(videos)
    for video, probabilities in zip(predictions.videos.tolist(), predictions.probabilities, strict=True):
        yield Classified(videos[video], ranked(probabilities, classifier.class_names))
    for video, reason in predictions.unreadable:
        yield Unreadable(videos[video], reason)


def timelines(
    classifier: Classifier, videos: Sequence[Path], window_seconds: float
) -> Iterator[ClassesOverTime | Unreadable]:
    """The classes of each video over time, one video after the other."""
    for path in videos:
        try:
            windows = classifier.over_time(path, window_seconds)
        except UnreadableVideo as error:
            yield Unreadable(path, str(error))
        else:
            yield ClassesOverTime(
                path, classifier.class_names, windows, class_spans(windows, classifier.class_names)
            )


def read_class_list(text: str) -> tuple[str, ...]:
    """Reads the class names from `a,b,c`, a file, or the name of a public set.

    A file has one name per line, or is a CSV with the columns id and name. UTF-8 with or without BOM, any line ends;
    blank lines are ignored.

    Raises:
        InvalidInput: a name is given twice, is empty or not printable, or there are fewer than two.
    """
    if text in SET_OF_NAME:
        return class_names_of_set(SET_OF_NAME[text])
    path = given_path(text)
    if is_given_file(text):
        names, source = _names_in(path), str(path)
    elif path.suffix.lower() in (".txt", ".csv") and "," not in text:
        raise InvalidInput(
            f"{text} does not exist: name a file, classes such as a,b,c, or {', '.join(PUBLIC_SETS)}"
        )
    else:
        names, source = _names_in_row(text), "the list of classes"
    if strange := next((name for name in names if not name.isprintable()), None):
        raise InvalidInput(f"{source}: the class name {strange!r} is not plain text")
    if len(names) < 2:
        only = f"only one class, {names[0]!r}" if names else "no class"
        raise InvalidInput(f"{source} has {only}: name two or more")
    return names


def _names_in(path: Path) -> tuple[str, ...]:
    if path.suffix.lower() == ".csv" and _is_table(path):
        return read_label_file(path).names
    lines: dict[str, int] = {}
    for number, name in numbered_lines(path):
        if name in lines:
            raise InvalidInput(f"{path}: lines {lines[name]} and {number} both name the class {name!r}")
        lines[name] = number
    return tuple(lines)


def _is_table(path: Path) -> bool:
    """Whether the first line is `id,name` or starts with a number; otherwise each line is a name."""
    first = next((line for _, line in numbered_lines(path)), "")
    label = first.partition(",")[0].strip().strip('"').lower()
    return "," in first and (label == "id" or label.isdecimal())


def _names_in_row(text: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",")]
    while names and not names[-1]:
        names.pop()
    if "" in names:
        raise InvalidInput(f"class {names.index('') + 1} of {text!r} is empty: write classes as a,b,c")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InvalidInput(f"the list of classes names {twice!r} twice")
    return tuple(names)
