"""Maps of videos by their embeddings, models side by side: a picture and a page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict, Unpack

from vifi_cli.api.feedback import Feedback
from vifi_cli.api.models.video_model import VideoModel
from vifi_cli.data.labeled_videos import LabeledVideo, ucf101_scene
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.embed_map.embed_map import EmbedMap, LabeledEmbeddings, make_map
from vifi_cli.evaluation.embed_map.page import map_page
from vifi_cli.evaluation.embed_map.picture import map_picture
from vifi_cli.evaluation.embed_map.projection import Projection
from vifi_cli.evaluation.report.pictures import middle_frame
from vifi_cli.paths import given_path, replacing

PICTURE, PAGE = "embed-map.png", "embed-map.html"
MOST_PICTURED, THUMBNAIL_SIDE = 1_500, 128


class MapOptions(TypedDict, total=False):
    """What `embed_map` takes beside videos, models and folder, all of it optional.

    Attributes:
        title: of the map.
        projection: `t-SNE` or `PCA`; by default the one that suits the number of videos.
        seed: of the projection; 0 by default.
        frames: per video; by default as many as each model was trained with, or 8.
    """

    title: str
    projection: Projection | None
    seed: int
    frames: int | None


def embed_map(
    videos: Mapping[str, Sequence[Path | str]],
    models: VideoModel | Sequence[VideoModel],
    folder: Path | str | None = None,
    **options: Unpack[MapOptions],
) -> EmbedMap:
    """Lay videos out by their embeddings, one map per model, and measure how well the classes separate.

    It does not check whether a model was trained on these videos; the map of training videos says little.

    Args:
        videos: the files of each class.
        models: one, or several side by side, compared with the first. Its feedback receives the progress.
        folder: for the picture and the page of the map; None writes nothing.
        options: see `MapOptions`.

    Returns:
        Points float64 (N, 2) and scores of each model, for the videos that all models could read.

    Raises:
        InvalidInput: there are fewer than two classes of readable videos.
        MissingDependency: scikit-learn is not installed.
    """
    listed = [
        LabeledVideo(path, label, ucf101_scene(path))
        for label, files in enumerate(videos.values())
        for path in (given_path(Path(file)) for file in files)
    ]
    several = (models,) if isinstance(models, VideoModel) else tuple(models)
    paths = [video.path for video in listed]
    embedded = [model.embed_videos(paths, options.get("frames")) for model in several]
    readable = sorted(set.intersection(*(set(one.videos.tolist()) for one in embedded)))
    skipped = len(listed) - len(readable)
    made = make_map(
        LabeledEmbeddings(
            title=options.get("title", "Videos"),
            class_names=tuple(videos),
            videos=tuple(listed[video] for video in readable),
            by_model=tuple(
                (model.name, one.embeddings_of(readable))
                for model, one in zip(several, embedded, strict=True)
            ),
            remarks=(f"{skipped} of {len(listed)} videos cannot be read and are left out",) * bool(skipped),
        ),
        options.get("projection"),
        options.get("seed", 0),
    )
    if folder is not None:
        write_map(made, given_path(Path(folder)), several[0].feedback)
    return made


def write_map(made: EmbedMap, folder: Path, feedback: Feedback) -> None:
    """Writes the picture and the page of a map; replaces existing files.

    Raises:
        InvalidInput: the folder is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise InvalidInput(f"--output {folder} is a file: name a folder")
    picture, page = map_picture(made), map_page(made, _thumbnails(made, feedback)).encode()
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in ((PICTURE, picture), (PAGE, page)):
        with replacing(folder / name) as unfinished:
            unfinished.write_bytes(content)


def _thumbnails(made: EmbedMap, feedback: Feedback) -> dict[Path, bytes]:
    """Small frames of the videos; none if there are too many for one page."""
    if len(made.videos) > MOST_PICTURED:
        feedback.note(f"the page shows no frames of more than {MOST_PICTURED:,} videos")
        return {}
    frames: dict[Path, bytes] = {}
    with feedback.task("Taking frames", len(made.videos), "videos") as report:
        for done, video in enumerate(made.videos, start=1):
            frame = middle_frame(video.path, THUMBNAIL_SIDE)
            if frame:
                frames[video.path] = frame
            report(done)
    return frames
