"""Maps of videos by their embeddings, models side by side: made, and written as a picture and a page."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from vifi_cli.api.feedback import LOGGED, Feedback
from vifi_cli.api.models.video_model import VideoModel
from vifi_cli.data.labeled_videos import LabeledVideo, ucf101_scene
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.embed_map.embed_map import EmbedMap, make_map
from vifi_cli.evaluation.embed_map.page import map_page
from vifi_cli.evaluation.embed_map.picture import map_picture
from vifi_cli.evaluation.embed_map.projection import Projection
from vifi_cli.evaluation.report.pictures import middle_frame
from vifi_cli.paths import given_path, replacing

PICTURE, PAGE = "embed-map.png", "embed-map.html"
MOST_PICTURED, THUMBNAIL_SIDE = 1_500, 128


def embed_map(
    videos: Mapping[str, Sequence[Path | str]],
    models: VideoModel | Sequence[VideoModel],
    folder: Path | str | None = None,
    *,
    title: str = "Videos",
    projection: Projection | None = None,
    seed: int = 0,
    frames: int | None = None,
    feedback: Feedback = LOGGED,
) -> EmbedMap:
    """Lays videos out by their embeddings, a map a model, and measures how far the classes lie apart.

    Whether a model has learned from these videos is not looked at here; of its training videos a map says little.

    Args:
        videos: the files of each class.
        models: one, or several to stand side by side; the others are compared with the first.
        folder: where the picture and the page of the map go; nothing is written if None.
        title: of the map.
        projection: `t-SNE` or `PCA`; what suits so many videos if None.
        seed: of what is drawn.
        frames: looked at of each video; as many as each model was trained with, or 8, if None.
        feedback: hears how far it has come.

    Returns:
        Points float64 (N, 2) and scores of each model, for the videos that all of them could read.

    Raises:
        InvalidInput: there are no two classes of readable videos.
        MissingDependency: scikit-learn is not installed.
    """
    class_names = tuple(videos)
    listed = [
        LabeledVideo(path, label, ucf101_scene(path))
        for label, files in enumerate(videos.values())
        for path in (given_path(Path(file)) for file in files)
    ]
    several = (models,) if isinstance(models, VideoModel) else tuple(models)
    embedded = [model.embed_videos([video.path for video in listed], frames) for model in several]
    readable = sorted(set.intersection(*(set(one.videos.tolist()) for one in embedded)))
    left_out = len(listed) - len(readable)
    made = make_map(
        title,
        class_names,
        [listed[video] for video in readable],
        [(model.name, one.embeddings_of(readable)) for model, one in zip(several, embedded, strict=True)],
        seed,
        projection,
        [f"{left_out} of {len(listed)} videos cannot be read and are left out"] if left_out else [],
    )
    if folder is not None:
        write_map(made, given_path(Path(folder)), feedback)
    return made


def write_map(made: EmbedMap, folder: Path, feedback: Feedback) -> None:
    """Writes the picture and the page of a map; files of the same names are replaced.

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
    """Small frames of the videos; none of any where there are too many for one page."""
    if len(made.videos) > MOST_PICTURED:
        feedback.note(f"the page shows no frames of more than {MOST_PICTURED:,} videos")
        return {}
    frames: dict[Path, bytes] = {}
    with feedback.task("Taking frames", len(made.videos)) as report:
        for done, video in enumerate(made.videos, start=1):
            frame = middle_frame(video.path, THUMBNAIL_SIDE)
            if frame:
                frames[video.path] = frame
            report(done)
    return frames
