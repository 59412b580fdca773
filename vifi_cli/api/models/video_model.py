"""A model ready to look at videos: it embeds them and texts, and says which of some classes they show."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vifi_cli.api.feedback import LOGGED, Feedback
from vifi_cli.api.models.weights import fetch_model
from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.errors import InvalidInput, UnreadableVideo
from vifi_cli.evaluation.scoring.predictions import Predictions, require_finite
from vifi_cli.evaluation.testing.class_texts import ClassTexts, embed_class_names
from vifi_cli.evaluation.testing.embedding import EmbeddedVideos, embed_videos
from vifi_cli.evaluation.testing.over_time import (
    WINDOW_SECONDS,
    ClassifiedWindow,
    ClassSpan,
    WindowSampling,
    class_spans,
    classify_over_time,
    frames_of,
)
from vifi_cli.evaluation.testing.predicting import ClipInput, TestClips, predict
from vifi_cli.model.folders.loading import LoadedModel, load_vifi_clip
from vifi_cli.model.runtime.device import choose_device
from vifi_cli.model.towers.clip_transform import square_side, test_short_side
from vifi_cli.paths import given_path
from vifi_cli.training.engine.precision import choose_precision
from vifi_cli.video.clips.store import ClipStore

Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class VideoModel:
    """A model on its device; `load_model` gives one.

    Attributes:
        name: by which it was loaded.
        loaded: its network, card and tokenizer.
        device: where it runs.
        feedback: hears what goes on.
    """

    name: str
    loaded: LoadedModel
    device: torch.device
    feedback: Feedback

    def __repr__(self) -> str:
        classes = f", {len(self.class_names)} classes" if self.class_names else ""
        return (
            f"<VideoModel {self.name} ({self.kind}): {self.dimension} dimensions{classes}, on {self.device}>"
        )

    @property
    def kind(self) -> str:
        """`starter`, `pretrained`, `fine-tuned`, `prompts`, or `from weights` of a folder or file of open_clip."""
        card, source = self.loaded.card, self.loaded.source
        if card.prompts or card.tuned:
            return "prompts" if card.prompts else "fine-tuned"
        return source.kind if source.kind in ("starter", "pretrained") else "from weights"

    @property
    def dimension(self) -> int:
        """D, the length of an embedding."""
        return self.loaded.card.dimension

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that it was tuned on; none if on none."""
        return self.loaded.card.class_names

    @property
    def frames(self) -> int:
        """How many frames of a video it looks at unless told otherwise: as many as in training, or 8."""
        return frames_of(self.loaded.card)

    @property
    def enter(self) -> ClipInput:
        """How pictures enter it."""
        preprocessing = self.loaded.card.preprocessing
        precision = choose_precision("auto", self.device)
        return ClipInput(preprocessing.mean, preprocessing.std, self.device, precision)

    @torch.inference_mode()
    def embed_texts(self, texts: Sequence[str]) -> Float32Array:
        """The embeddings of texts as they are, in no template: float32 (N, D), of length 1."""
        tokens = self.loaded.tokenizer(list(texts)).to(self.device)
        embeddings: Float32Array = self.loaded.network.encode_classes(tokens).float().cpu().numpy()
        return embeddings

    def embed_videos(self, videos: Sequence[Path | str], frames: int | None = None) -> EmbeddedVideos:
        """The embeddings of videos: each the mean of frames spread evenly, as in the paper's tests.

        Args:
            videos: N files.
            frames: of each; as many as in training, or 8, if None.

        Returns:
            Float32 (N, D), of length 1, of those that could be read, and the reasons for the others.
        """
        with self.feedback.task("Embedding", len(videos), "videos") as report:
            clips = self.test_clips(videos, frames)
            return embed_videos(self.loaded.network, clips, self.enter, report)

    def classifier(
        self,
        class_names: Sequence[str] | None = None,
        texts: ClassTexts | None = None,
        frames: int | None = None,
    ) -> "Classifier":
        """The model with classes to choose from, which are read once.

        Args:
            class_names: C of them; those that it was tuned on if None.
            texts: templates or descriptions of classes; the model's own template if None.
            frames: of a clip; as many as in training, or 8, if None.

        Raises:
            InvalidInput: no class was named and it knows none, or the texts do not fit.
        """
        names = self.class_names if class_names is None else tuple(class_names)
        if not names:
            raise InvalidInput(
                f"{self.name} was tuned on no classes: name some with --classes, as in --classes "
                '"running,walking,standing still"'
            )
        classes = embed_class_names(self.loaded, names, texts)
        return Classifier(self, names, classes, frames or self.frames)

    def classify(
        self, video: Path | str, class_names: Sequence[str] | None = None, frames: int | None = None
    ) -> dict[str, float]:
        """The probability of each class that a video shows it, the most probable first; they add up to 1.

        Args:
            video: a file.
            class_names: to choose from; those that the model was tuned on if None.
            frames: looked at; as many as in training, or 8, if None.

        Raises:
            InvalidInput: there is no such file, or no class.
            UnreadableVideo: it cannot be read.
        """
        path = existing_video(video)
        classifier = self.classifier(class_names, frames=frames)
        predictions = classifier.predict([path])
        if predictions.unreadable:
            raise UnreadableVideo(f"{path}: {predictions.unreadable[0][1]}")
        return ranked(predictions.probabilities[0], classifier.class_names)

    def classify_over_time(
        self,
        video: Path | str,
        class_names: Sequence[str] | None = None,
        window_seconds: float = WINDOW_SECONDS,
        frames: int | None = None,
    ) -> tuple[ClassSpan, ...]:
        """From when to when a video shows which class.

        Args:
            video: a file.
            class_names: to choose from; those that the model was tuned on if None.
            window_seconds: are looked at together.
            frames: of a window; as many as in training, or 8, if None.

        Raises:
            InvalidInput: there is no such file, or no class.
            UnreadableVideo: it cannot be read.
        """
        path = existing_video(video)
        classifier = self.classifier(class_names, frames=frames)
        with naming(path):
            windows = classifier.over_time(path, window_seconds)
        return class_spans(windows, classifier.class_names)

    def test_clips(self, videos: Sequence[Path | str], frames: int | None = None) -> TestClips:
        """The clips that videos are looked at by, as in the paper's tests."""
        size = square_side(self.loaded.card.preprocessing.geometry, self.name)
        listed = [LabeledVideo(given_path(Path(video)), 0) for video in videos]
        return TestClips(listed, ClipStore(test_short_side(size)), frames or self.frames, size, batch=1)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Classifier:
    """A model and the classes to choose from.

    Attributes:
        model: that looks.
        class_names: C of them.
        classes: their embeddings (C, D), of length 1.
        frames: of a clip.
    """

    model: VideoModel
    class_names: tuple[str, ...]
    classes: Tensor
    frames: int

    def __repr__(self) -> str:
        return (
            f"<Classifier {self.model.name}: {len(self.class_names)} classes, {self.frames} frames of a clip>"
        )

    def predict(self, videos: Sequence[Path]) -> Predictions:
        """The probabilities of the classes for each video, by the published test clip.

        Raises:
            ModelUnavailable: the model gives no numbers.
        """
        model = self.model
        with model.feedback.task("Classifying", len(videos)) as report:
            predictions = predict(
                model.loaded.network,
                self.classes,
                model.test_clips(videos, self.frames),
                range(len(videos)),
                model.enter,
                report,
            )
        return require_finite(predictions)

    def over_time(self, video: Path, seconds: float = WINDOW_SECONDS) -> tuple[ClassifiedWindow, ...]:
        """The probabilities of the classes for each window of a video, in order of time.

        Raises:
            UnreadableVideo: it cannot be read; the text says why, without the path.
        """
        model = self.model
        with model.feedback.busy(f"Looking at {video.name}"):
            return classify_over_time(
                model.loaded.network,
                self.classes,
                video,
                model.loaded.card.preprocessing.geometry,
                model.enter,
                WindowSampling(seconds, self.frames),
            )


def load_model(name: str | None = None, device: str = "auto", feedback: Feedback = LOGGED) -> VideoModel:
    """Loads a model to embed and classify videos with; its weights are fetched where they are not here.

    Args:
        name: as `--model` takes it: a name of `vifi model list`, or a folder such as `runs/moves/best`; by default as
            for `vifi index`.
        device: `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.
        feedback: hears what goes on.

    Raises:
        InvalidInput: no such model or device.
        ModelUnavailable: the weights cannot be had, or are damaged.
        MissingDependency: a package that the model needs is not installed.
    """
    chosen = choose_device(device)
    source = fetch_model(name, feedback)
    shown = name or source.name
    with feedback.busy(f"Loading {shown}"):
        loaded = load_vifi_clip(source)
        loaded.network.to(chosen).eval()
    return VideoModel(shown, loaded, chosen, feedback)


def ranked(probabilities: Float32Array, class_names: Sequence[str], top: int = 0) -> dict[str, float]:
    """The most probable classes first, so many at most, all of them for 0; of equal ones the first named."""
    order = (-probabilities).argsort(kind="stable")[: top or None].tolist()
    return {class_names[label]: float(probabilities[label]) for label in order}


def existing_video(video: Path | str) -> Path:
    """The path of a video; raises InvalidInput if there is no file."""
    path = given_path(Path(video))
    if not path.is_file():
        raise InvalidInput(f"{video} is {'a folder' if path.is_dir() else 'not there'}: name a video")
    return path


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Names the video that cannot be read."""
    try:
        yield
    except UnreadableVideo as error:
        raise UnreadableVideo(f"{path}: {error}") from error
