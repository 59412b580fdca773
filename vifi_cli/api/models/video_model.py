"""A model that is ready to embed and classify videos."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vifi_cli.api.feedback import AUTOMATIC, Feedback
from vifi_cli.api.models.choosing import choose_model
from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.errors import InvalidInput, UnreadableVideo
from vifi_cli.evaluation.scoring.predictions import Predictions, require_finite
from vifi_cli.evaluation.testing.class_texts import embed_class_names, own_texts
from vifi_cli.evaluation.testing.over_time import (
    WINDOW_SECONDS,
    ClassifiedWindow,
    ClassSpan,
    WindowSampling,
    class_spans,
    classify_over_time,
    frames_of,
)
from vifi_cli.evaluation.testing.predicting import ClipInput, EmbeddedVideos, TestClips, embed_videos, predict
from vifi_cli.model.registry.class_texts import ClassTexts
from vifi_cli.model.runtime.device import choose_device
from vifi_cli.model.storage.loading import LoadedModel, load_vifi_clip
from vifi_cli.model.towers.clip_transform import square_side, test_short_side
from vifi_cli.paths import check_visible, given_path
from vifi_cli.training.engine.precision import choose_precision
from vifi_cli.video.clips.store import ClipStore
from vifi_cli.video.files.content import is_there

Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class VideoModel:
    """A model on its device, from `load_model`; `feedback` receives progress."""

    name: str  # it was loaded by this name
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
        """`starter`, `pretrained`, `from weights`, `fine-tuned`, `prompts`, `LoRA`, or a head: `linear-probe`."""
        card, source = self.loaded.card, self.loaded.source
        if card.head:
            return card.head
        if card.prompts or card.tuned:
            return "prompts" if card.prompts else "LoRA" if card.lora else "fine-tuned"
        return source.kind if source.kind in ("starter", "pretrained") else "from weights"

    @property
    def dimension(self) -> int:
        """D, the length of an embedding."""
        return self.loaded.card.dimension

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that it was fine-tuned on; empty if there are none."""
        return self.loaded.card.class_names

    @property
    def frames(self) -> int:
        """The default number of frames of a clip: as in training, or 8."""
        return frames_of(self.loaded.card)

    @property
    def enter(self) -> ClipInput:
        """How clips enter the network."""
        precision = choose_precision("auto", self.device)
        return ClipInput(self.loaded.card.preprocessing, self.device, precision)

    @torch.inference_mode()
    def embed_texts(self, texts: Sequence[str]) -> Float32Array:
        """Embeds texts without a template: float32 (N, D), of length 1."""
        tokens = self.loaded.tokenizer(list(texts)).to(self.device)
        embeddings: Float32Array = self.loaded.network.encode_classes(tokens).float().cpu().numpy()
        return embeddings

    def embed_videos(self, videos: Sequence[Path | str], frames: int | None = None) -> EmbeddedVideos:
        """Embeds videos, each by the mean of evenly spaced frames (`self.frames` if None), as in the paper's tests.

        Returns float32 (N, D), of length 1, for the readable videos, and the reasons for the others.
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
        """A classifier, whose class texts are embedded once; InvalidInput without classes, or if the texts do not fit.

        Args:
            class_names: C names; the classes that the model was fine-tuned on if None.
            texts: templates or descriptions of classes; those of the model's training if None, or its template.
            frames: of a clip; `self.frames` if None.
        """
        names = self.class_names if class_names is None else tuple(class_names)
        if not names:
            raise InvalidInput(
                f"{self.name} was not tuned on classes: name some with --classes, as in --classes "
                '"running,walking,standing still"'
            )
        if texts is None and (own := own_texts(self.loaded.card, names)):
            self.feedback.note(f"classes by the texts of {own.name}, from which the model has learned")
        classes = embed_class_names(self.loaded, names, texts, warn=self.feedback.warn)
        return Classifier(self, names, classes, frames or self.frames)

    def classify(
        self, video: Path | str, class_names: Sequence[str] | None = None, frames: int | None = None
    ) -> dict[str, float]:
        """The probability of each class for a video, the most probable first; the sum is 1.

        The arguments are those of `classifier`. A missing file or missing classes raise InvalidInput, a file that
        cannot be decoded UnreadableVideo.
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
        """The classes that a video shows, each with its start and end, in order of time.

        Windows of `window_seconds` are classified. The other arguments and the errors are those of `classify`.
        """
        path = existing_video(video)
        classifier = self.classifier(class_names, frames=frames)
        with naming(path):
            windows = classifier.over_time(path, window_seconds)
        return class_spans(windows, classifier.class_names)

    def test_clips(self, videos: Sequence[Path | str], frames: int | None = None) -> TestClips:
        """The clips that represent videos, as in the paper's tests."""
        size = square_side(self.loaded.card.preprocessing.geometry, self.name)
        listed = [LabeledVideo(given_path(Path(video)), 0) for video in videos]
        return TestClips(listed, ClipStore(test_short_side(size)), frames or self.frames, size, batch=1)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Classifier:
    """A model with C classes."""

    model: VideoModel
    class_names: tuple[str, ...]
    classes: Tensor  # embeddings (C, D) of the class texts, of length 1
    frames: int  # of a clip

    def __repr__(self) -> str:
        return (
            f"<Classifier {self.model.name}: {len(self.class_names)} classes, {self.frames} frames of a clip>"
        )

    def predict(self, videos: Sequence[Path]) -> Predictions:
        """The probabilities of the classes for each video, by the published test clip.

        Raises ModelUnavailable if the model's outputs are not finite.
        """
        model = self.model
        with model.feedback.task("Classifying", len(videos), "videos") as report:
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

        Raises UnreadableVideo if it cannot be decoded; the text is the reason, without the path.
        """
        model = self.model
        with model.feedback.busy(f"Classifying {video.name}"):
            return classify_over_time(
                model.loaded.network,
                self.classes,
                video,
                model.loaded.card.preprocessing.geometry,
                model.enter,
                WindowSampling(seconds, self.frames),
            )


def load_model(
    name: str | Path | None = None, device: str = "auto", feedback: Feedback = AUTOMATIC
) -> VideoModel:
    """Loads a model to embed and classify videos with, and downloads its weights if necessary.

    Args:
        name: as for `--model`: a name from `vifi model list`, or a folder such as `runs/moves/best`; if None, the
            setting `model`, else the encoder of your index, else the default model.
        device: `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.
        feedback: receives notes and progress.

    Raises:
        InvalidInput: the model is unknown, or this machine lacks the device.
        ModelUnavailable: the weights are unavailable or damaged.
        MissingDependency: a package that the model needs is not installed.
    """
    chosen = choose_device(device)
    model = choose_model(name)
    source = model.fetch(feedback)
    shown = model.name
    with feedback.busy(f"Loading {shown}"):
        loaded = load_vifi_clip(source)
        loaded.network.to(chosen).eval()
    return VideoModel(shown, loaded, chosen, feedback)


def ranked(probabilities: Float32Array, class_names: Sequence[str], top: int = 0) -> dict[str, float]:
    """The `top` most probable classes, all of them for 0; equal ones in the order of their names' list."""
    order = (-probabilities).argsort(kind="stable")[: top or None].tolist()
    return {class_names[label]: float(probabilities[label]) for label in order}


def existing_video(video: Path | str) -> Path:
    """The path of a video; raises InvalidInput if it is not a file."""
    path = given_path(Path(video))
    check_visible(path)
    if not is_there(path):
        raise InvalidInput(f"{video} is {'a folder' if path.is_dir() else 'not there'}: name a video")
    return path


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Adds the path to the error of an unreadable video."""
    try:
        yield
    except UnreadableVideo as error:
        raise UnreadableVideo(f"{path}: {error}") from error
