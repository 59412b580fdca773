"""Makes long videos by joining clips without loss, and tables of their moments and of the clips, in the same order.

Data: the Weizmann actions, a folder a class, the person being the file name's first part. `train.mp4` holds the clips
of all people but those held out, `test.mp4` theirs, in an order that mixes the classes. A run on `moments.csv` sees
the same frames as one on `clips.csv`.

    python -m tests.benchmarks.joined_clips WEIZMANN FOLDER [--hold-out daria ido]
    vifi finetune --data FOLDER/clips.csv   -o FOLDER/clips   --model starter --recipe frames=4
    vifi finetune --data FOLDER/moments.csv -o FOLDER/moments --model starter --recipe frames=4
"""

import argparse
import csv
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from av.video.frame import PictureType, VideoFrame

from tests.benchmarks.finetune_accuracy import DESCRIPTIONS
from vifi_cli.video.clips.reader import read_clip
from vifi_cli.video.moment import TimeRange

RATE = 25


def main() -> None:
    """Writes the movies and the tables, and checks that all moments have the frames of their clips."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weizmann", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hold-out", nargs="+", default=["daria", "ido"])
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    clips = sorted(arguments.weizmann.absolute().glob("*/*.avi"))
    held_out = [clip.name.split("_")[0] in arguments.hold_out for clip in clips]
    rows: list[tuple[Path, Path, int, int]] = []
    for name in ("train", "test"):
        chosen = [clip for clip, is_out in zip(clips, held_out, strict=True) if is_out == (name == "test")]
        shuffled = [chosen[place] for place in np.random.default_rng(0).permutation(len(chosen))]
        movie = arguments.folder / f"{name}.mp4"
        edges = join(shuffled, movie)
        rows += [(clip, movie, *edge) for clip, edge in zip(shuffled, pairwise(edges), strict=True)]
    different = sum(not is_same(*row) for row in rows)
    print(f"{len(rows)} moments, {different} with frames that differ from those of their clip")
    write_table(arguments.folder / "clips.csv", rows, are_moments=False)
    write_table(arguments.folder / "moments.csv", rows, are_moments=True)


def join(clips: Sequence[Path], movie: Path) -> list[int]:
    """Joins clips in one H.264 file without loss; returns the number of the first frame of each, and of all."""
    edges, stream = [0], None
    with av.open(movie, "w") as output:
        for clip in clips:
            edges.append(edges[-1])
            for frame in decoded(clip):
                if stream is None:
                    stream = output.add_stream(
                        "libx264", rate=RATE, options={"qp": "0", "preset": "veryfast"}
                    )
                    stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
                    stream.codec_context.gop_size, stream.codec_context.max_b_frames = 250, 2
                frame.pts, frame.time_base, frame.pict_type = edges[-1], Fraction(1, RATE), PictureType.NONE
                output.mux(stream.encode(frame))
                edges[-1] += 1
        if stream is not None:
            output.mux(stream.encode(None))
    return edges


def decoded(clip: Path) -> Iterator[VideoFrame]:
    """The frames of a clip as they are stored."""
    with av.open(str(clip)) as container:
        yield from container.decode(video=0)


def is_same(clip: Path, movie: Path, first: int, end: int) -> bool:
    """Whether a moment has the pictures of a clip."""
    part = TimeRange(first / RATE, end / RATE)
    return np.array_equal(read_clip(clip, np.arange, 144), read_clip(movie, np.arange, 144, part))


def write_table(path: Path, rows: Sequence[tuple[Path, Path, int, int]], *, are_moments: bool) -> None:
    """A table of the clips, or of the same as moments, each with its person as the group."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["path", "label", "split", "group", *(["start", "end"] if are_moments else [])])
        for clip, movie, first, end in rows:
            cells = [DESCRIPTIONS[clip.parent.name], movie.stem, clip.name.split("_")[0]]
            times = [f"{first / RATE:.2f}", f"{end / RATE:.2f}"] if are_moments else []
            writer.writerow([movie.name if are_moments else clip, *cells, *times])


if __name__ == "__main__":
    main()
