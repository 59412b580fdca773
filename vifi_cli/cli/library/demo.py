"""`vifi demo`: the whole way from files to moments, on clips it makes itself, with no network."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from vifi_cli import paths
from vifi_cli.cli.library.index import show as show_report
from vifi_cli.cli.library.index import tell_what_went_wrong
from vifi_cli.cli.library.progress import IndexProgress
from vifi_cli.cli.search.result import show_hits, tell_no_hits
from vifi_cli.cli.search.search import open_session
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.feedback import ON_TERMINAL
from vifi_cli.errors import MissingDependency

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

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
"""Camera movements: magnification at the start and at the end, place looked at first and last."""

QUERIES = (
    "a cat",
    "a cup of coffee",
    "a rocket on its launch pad",
    "a motorcycle",
    "a photographer with a tripod",
    "people dancing",
)
"""What to ask; the last is nowhere to be seen."""


def demo() -> None:
    """Make ten short clips, index them, and search them: the whole tool in a minute, with no network."""
    from vifi_cli.api.library.indexing import IndexRequest, run_indexing
    from vifi_cli.index.search.query import query_in_words
    from vifi_cli.index.search.ranking import RankingOptions
    from vifi_cli.index.search.video_index import relevant_among

    home = paths.data_folder() / "demo"
    shutil.rmtree(home, ignore_errors=True)
    started = time.perf_counter()
    make_clips(home / "clips")
    output.note(f"made {len(CLIPS)} clips in {home / 'clips'}")

    output.line(f"$ vifi index {home / 'clips'}")
    with IndexProgress() as progress:
        request = IndexRequest(paths=(home / "clips",), model="starter")
        report = run_indexing(home / "index", request, ON_TERMINAL, progress)
    tell_what_went_wrong(report)
    show_report(report)
    with open_session(home / "index") as session:
        for query in QUERIES:
            output.line(f'\n$ vifi search --top 3 "{query}"')
            found = session.find(query_in_words(query), RankingOptions(top=3))
            if hits := relevant_among(found):
                show_hits(hits)
            else:
                tell_no_hits(found, is_filtered=False)
    output.note(f"done in {time.perf_counter() - started:.0f} s; ask it yourself:")
    output.note(f'VIFI_HOME="{home}" vifi search "something to drink"')


def photograph(name: str) -> npt.NDArray[np.uint8]:
    """A photograph that scikit-image's package carries: uint8 (H, W, 3)."""
    import numpy as np

    try:
        from skimage import data
    except ImportError as error:
        raise MissingDependency(
            "the demo needs scikit-image's photographs and the starter encoder: run `pip install 'vifi[starter]'`"
        ) from error
    picture = getattr(data, name)()
    picture = picture[0] if isinstance(picture, tuple) else picture  # of a stereo pair, the left eye's
    return np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture


def make_clips(folder: Path) -> None:
    """Writes the clips of the demo, each scene with a camera movement of its own."""
    from vifi_cli.video.export.camera_moves import Scene, write_clip

    folder.mkdir(parents=True)
    with output.progress() as bar:
        for position, (name, photographs) in enumerate(bar.track(CLIPS.items(), description="Making clips")):
            moves = [MOVES[(position + i) % len(MOVES)] for i in range(len(photographs))]
            scenes = [
                Scene(photograph(shown), SCENE_SECONDS, *move)
                for shown, move in zip(photographs, moves, strict=True)
            ]
            write_clip(folder / name, scenes)
