"""What sums of words and clips find, and how alike copies of a clip are, on the reference clips with `starter`:

    python -m tests.benchmarks.steered_search

1. How far the cosines of a query spread over the windows of an index, for words and for clips.
2. Errands such as "like this clip of skiing, but with an ocean wave", with several weights: the mean of 1 / rank of
   the clip that was meant, among the videos of the index but for the clip that was shown.
3. The cosine between two seconds of a clip and the same in copies of it, and between different clips.

Needs ../shared/videos; takes some minutes.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from tests.benchmarks.measuring import SHARED_VIDEOS, compile_encoder, show_machine, show_table, start_vifi
from vifi_cli.api.feedback import AUTOMATIC
from vifi_cli.api.library.encoders import EncoderChoice
from vifi_cli.api.search.query_language import parse_example, parse_query
from vifi_cli.api.search.session import SearchSession
from vifi_cli.index.search.ranking import RankingOptions
from vifi_cli.index.windows import stretch_embedding, window_embeddings

ON_CPU = EncoderChoice(device="cpu")
CLIPS = SHARED_VIDEOS / "search"
ERRANDS = (
    ("man-skiing.mp4", "ocean wave", "snow", "man-surfing.mp4"),
    ("man-surfing.mp4", "snow", "ocean", "man-skiing.mp4"),
    ("woman_bicycle.mp4", "running by a river", "bicycle", "woman-running.mp4"),
    ("woman-running.mp4", "riding a bicycle", "running", "woman_bicycle.mp4"),
    ("wolf.mp4", "a man feeding by hand", "forest", "dog.mp4"),
    ("dog.mp4", "forest", "hand", "wolf.mp4"),
    ("v_ZNVhz7ctTq0.mp4", "forest", "child", "wolf.mp4"),
    ("wolf.mp4", "a child on a path", "forest", "v_ZNVhz7ctTq0.mp4"),
    ("dog.mp4", "watermelon", "dog", "rabbit-watermelon.mp4"),
    ("car-turn.mp4", "loading things into the back", "mountain", "SOX5yA1l24A.mp4"),
    ("SOX5yA1l24A.mp4", "mountain road", "people", "car-turn.mp4"),
    ("v_GGSY1Qvo990.mp4", "basketball", "barbell", "test_video_structuralize.mp4"),
    ("train.mp4", "bicycle", "phone", "woman_bicycle.mp4"),
    ("R6llTwEh07w.mp4", "bicycle", "segway", "woman_bicycle.mp4"),
    ("demo.mp4", "shaking hands in a studio", "arm wrestling", "demo_skeleton.mp4"),
)
"""A clip, words to add, words to take away, and the clip that is then meant."""

WEIGHTS = (0.5, 1, 2, 3, 4)
LENGTH_SECONDS = 2.0
MOST_FRAMES = 400
Picture = npt.NDArray[np.uint8]


def cut_edges(picture: Picture) -> Picture:
    height, width = picture.shape[0] // 20, picture.shape[1] // 20
    return picture[height:-height, width:-width]


COPIES: dict[str, tuple[Callable[[Picture], Picture], int, float]] = {
    "encoded anew": (lambda picture: picture, 28, 0.0),
    "20 grey levels brighter": (lambda picture: np.minimum(picture, 235) + np.uint8(20), 26, 0.0),
    "5 % cut off at each edge": (cut_edges, 26, 0.0),
    "trimmed by 0.7 s": (lambda picture: picture, 26, 0.7),
    "half the size, coarse": (lambda picture: picture[::2, ::2], 35, 0.0),
}
"""What is done to each picture, H.264's CRF, and how much of the beginning goes."""


def write_copy(
    source: Path, target: Path, change: Callable[[Picture], Picture], crf: int, skip: float
) -> None:
    with av.open(source) as given, av.open(target, "w") as copy:
        stream, number = None, 0
        rate = Fraction(given.streams.video[0].average_rate or 25)
        for frame in given.decode(video=0):
            if (frame.time or 0.0) < skip or number == MOST_FRAMES:
                continue
            pixels = change(frame.to_ndarray(format="rgb24"))
            height, width = (side // 2 * 2 for side in pixels.shape[:2])
            if stream is None:
                stream = copy.add_stream(
                    "libx264", rate=rate, options={"crf": str(crf), "preset": "veryfast"}
                )
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            changed = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(pixels[:height, :width]), format="rgb24"
            )
            changed.pts, changed.time_base = number, 1 / rate
            number += 1
            copy.mux(stream.encode(changed))
        assert stream
        copy.mux(stream.encode())


def spreads(session: SearchSession) -> tuple[float, float]:
    """The mean standard deviation of cosines over all windows, of captions and of windows with other videos'."""
    catalog = session.index.catalog
    videos, parts = [], []
    for video_id, rows in catalog.windows_by_video():
        videos += [video_id] * len(rows)
        parts.append(window_embeddings(catalog.frames(video_id)[1], rows[:, 1:]))
    windows, owners = np.concatenate(parts), np.array(videos)
    with (CLIPS / "captions.csv").open() as file:
        captions = [row["caption"] for row in csv.DictReader(file)]
    by_words = session.text_encoder(ON_CPU).encode_texts(captions) @ windows.T
    likeness = windows @ windows.T
    of_others = [row[owners != owner].std() for row, owner in zip(likeness, owners, strict=True)]
    return float(by_words.std(axis=1).mean()), float(np.mean(of_others))


def mean_inverse_rank(session: SearchSession, query_of: Callable[[str, str, str], list[str]]) -> float:
    """Over all errands, how near to the top the clip that was meant comes."""
    inverse_ranks = []
    for shown, added, taken, meant in ERRANDS:
        clip = str(CLIPS / shown)
        embedding = session.embed(parse_query(query_of(clip, added, taken)), ON_CPU)
        place = session.see(parse_example(clip), "cpu").place
        hits = session.index.search(embedding, RankingOptions(top=0, by="video", without=place))
        inverse_ranks.append(1 / (1 + [hit.path.name for hit in hits].index(meant)))
    return float(np.mean(inverse_ranks))


def errands(session: SearchSession) -> list[list[str]]:
    alone = mean_inverse_rank(session, lambda clip, added, taken: [added])
    clip_alone = mean_inverse_rank(session, lambda clip, added, taken: [clip])
    rows = [["words alone", f"{alone:.2f}", ""], ["clip alone", f"{clip_alone:.2f}", ""]]
    for weight in WEIGHTS:
        w = f"{weight}:"
        added = mean_inverse_rank(session, lambda clip, more, less: [clip, "+", w + more])  # noqa: B023
        taken = mean_inverse_rank(session, lambda clip, more, less: [clip, "+", w + more, "-", w + less])  # noqa: B023
        rows.append([f"clip and {w}words", f"{added:.2f}", f"{taken:.2f}"])
    return rows


def two_seconds(session: SearchSession, video_id: int) -> Iterator[tuple[float, npt.NDArray[np.float32]]]:
    """Stretches of two seconds that overlap by half, each with its start."""
    seconds, frames = session.index.catalog.frames(video_id)
    for start in np.arange(0, max(seconds[-1] - LENGTH_SECONDS, 0.1), LENGTH_SECONDS / 2):
        yield float(start), stretch_embedding(seconds, frames, start, start + LENGTH_SECONDS)


def copies_alike(session: SearchSession) -> list[list[str]]:
    catalog = session.index.catalog
    known = {video.path: video.id for video in catalog.videos()}
    rows = []
    for number, (name, (_, _, skip)) in enumerate(COPIES.items()):
        cosines = []
        for path, copy_id in known.items():
            if path.parent.name != f"copies{number}":
                continue
            original = next(known[clip] for clip in known if clip.parent == CLIPS and clip.stem == path.stem)
            frames = catalog.frames(original)
            cosines += [
                float(embedding @ stretch_embedding(*frames, start + skip, start + skip + LENGTH_SECONDS))
                for start, embedding in two_seconds(session, copy_id)
                if start + skip < frames[0][-1]
            ]
        tenth, half = np.quantile(cosines, (0.1, 0.5))
        rows.append([name, str(len(cosines)), f"{tenth:.3f}", f"{half:.3f}"])
    return rows


def different_alike(session: SearchSession, folder: Path) -> list[str]:
    """How alike stretches of different videos below a folder are."""
    videos = [video.id for video in session.index.catalog.videos() if video.path.is_relative_to(folder)]
    owned = [(video, embedding) for video in videos for _, embedding in two_seconds(session, video)]
    owners, embeddings = np.array([video for video, _ in owned]), np.stack([each for _, each in owned])
    cosines = (embeddings @ embeddings.T)[owners[:, None] != owners[None]]
    shares = [f"{(cosines >= least).mean():.1%}" for least in (0.9, 0.95, 0.98)]
    return [folder.name, f"{np.median(cosines):.3f}", *shares, f"{cosines.max():.3f}"]


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    if not CLIPS.exists():
        sys.exit(f"{CLIPS} is needed")
    show_machine()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        os.environ["VIFI_HOME"] = str(home)
        compile_encoder(home)
        index(home, SHARED_VIDEOS / "search", SHARED_VIDEOS / "actions")
        with SearchSession(home / "index", AUTOMATIC) as session:
            words, clips = spreads(session)
            print(f"\ncosines with all windows spread by {words:.3f} for words, {clips:.3f} for clips")
            heads = ("query", "mean 1 / rank", "and taking away by the same weight")
            show_table(f"{len(ERRANDS)} errands", heads, errands(session))
        for number, how in enumerate(COPIES.values()):
            (Path(folder) / f"copies{number}").mkdir()
            for clip in sorted(CLIPS.glob("*.m*")):
                write_copy(clip, Path(folder) / f"copies{number}" / f"{clip.stem}.mp4", *how)
        index(home, *Path(folder).glob("copies*"))
        with SearchSession(home / "index", AUTOMATIC) as session:
            heads = ("copy", "stretches of 2 s", "lowest tenth", "median")
            show_table("Cosine with the same two seconds of the original", heads, copies_alike(session))
            rows = [
                different_alike(session, SHARED_VIDEOS / part)
                for part in ("search", "actions/ucf101_mini", "actions/weizmann")
            ]
            show_table("Different videos", ("of", "median", ">= 0.90", ">= 0.95", ">= 0.98", "highest"), rows)


def index(home: Path, *folders: Path) -> None:
    process = start_vifi(home, "index", *map(str, folders), "--model", "starter", stdout=subprocess.DEVNULL)
    if process.wait():
        sys.exit("vifi index failed")


if __name__ == "__main__":
    main()
