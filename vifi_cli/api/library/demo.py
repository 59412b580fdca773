"""Short clips made of photographs from scikit-image, and queries for them, for `vifi demo`."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from vifi_cli import paths
from vifi_cli.api.feedback import AUTOMATIC, Feedback
from vifi_cli.errors import MissingDependency
from vifi_cli.video.export.camera_moves import Scene, write_scenes

CLIPS = {
    "breakfast.mp4": ("coffee",),
    "cape_canaveral.mp4": ("rocket",),
    "garage.mp4": ("stereo_motorcycle",),
    "night_sky.mp4": ("hubble_deep_field", "moon"),
    "nasa.mp4": ("astronaut", "rocket"),
    "pets.mp4": ("coffee", "chelsea"),
    "errands.mp4": ("brick", "stereo_motorcycle", "coins"),
    "garden.mp4": ("grass", "chelsea", "gravel"),
    "collection.mp4": ("coins", "page"),
    "campus.mp4": ("camera", "grass"),
}
"""The clips of the demo, each with the photographs of scikit-image that it shows one after the other."""

SCENE_SECONDS = 5.0
MOVES = (
    (1.0, 1.25, (0.0, 0.3), (1.0, 0.6)),
    (1.3, 1.0, (1.0, 0.5), (0.0, 0.5)),
    (1.1, 1.1, (0.5, 0.0), (0.5, 1.0)),
)
"""Camera movements: magnification at the start and the end, and the place in the center first and last."""

QUERIES = (
    "a cat",
    "a cup of coffee",
    "a rocket on its launch pad",
    "a motorcycle",
    "a photographer with a tripod",
    "people dancing",
)
"""What to search for; the last one is in none of the clips."""


def photograph(name: str) -> npt.NDArray[np.uint8]:
    """A photograph that scikit-image's package carries: uint8 (H, W, 3)."""
    try:
        from skimage import data
    except ImportError as error:
        raise MissingDependency(
            "the demo needs scikit-image's photographs and the starter encoder: run `pip install 'vifi[starter]'`"
        ) from error
    picture = getattr(data, name)()
    picture = picture[0] if isinstance(picture, tuple) else picture  # of a stereo pair, the left eye's
    return np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture


def make_clips(folder: Path, feedback: Feedback = AUTOMATIC) -> None:
    """Writes the clips of the demo, with a camera movement in each scene."""
    paths.make_own_folder(folder)
    with feedback.task("Making clips", len(CLIPS), "clips") as report:
        for position, (name, photographs) in enumerate(CLIPS.items()):
            report(position)
            moves = [MOVES[(position + i) % len(MOVES)] for i in range(len(photographs))]
            scenes = [
                Scene(photograph(shown), SCENE_SECONDS, *move)
                for shown, move in zip(photographs, moves, strict=True)
            ]
            with paths.replacing(folder / name) as unfinished:
                write_scenes(unfinished, scenes)
