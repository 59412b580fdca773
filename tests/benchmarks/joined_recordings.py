"""Makes recordings from the captioned clips of `shared/videos/search`, and a table of where each clip is in them:

python -m tests.benchmarks.joined_recordings FOLDER
vifi eval --setting moments        --queries FOLDER/moments.csv --model starter
vifi eval --setting corpus-moments --queries FOLDER/moments.csv --model starter
"""

import argparse
import csv
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from tests.benchmarks.measuring import SHARED_VIDEOS

CLIPS = SHARED_VIDEOS / "search"
RECORDINGS, RATE = 3, 25
WIDTH, HEIGHT = 320, 240


def main() -> None:
    """Joins the clips in an order that a seed decides."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with (CLIPS / "captions.csv").open(encoding="utf-8", newline="") as file:
        captions = list(csv.DictReader(file))
    order = np.random.default_rng(0).permutation(len(captions))
    with (folder / "moments.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("file", "query", "start", "end"))
        for number, part in enumerate(np.array_split(order, RECORDINGS), start=1):
            movie = folder / f"recording{number}.mp4"
            edges = join([CLIPS / captions[place]["file"] for place in part], movie)
            for place, start, end in zip(part, edges, edges[1:], strict=False):
                table.writerow((movie.name, captions[place]["caption"], start / RATE, end / RATE))


def join(clips: Sequence[Path], movie: Path) -> list[int]:
    """Joins clips as H.264; returns the number of the first frame of each, and of all."""
    edges = [0]
    with av.open(movie, "w") as output:
        stream = output.add_stream("libx264", rate=RATE, options={"crf": "20", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for clip in clips:
            edges.append(edges[-1])
            for pixels in at_constant_rate(clip):
                frame = VideoFrame.from_ndarray(pixels, format="yuv420p")
                frame.pts, frame.time_base = edges[-1], Fraction(1, RATE)
                output.mux(stream.encode(frame))
                edges[-1] += 1
        output.mux(stream.encode(None))
    return edges


def at_constant_rate(clip: Path) -> Iterator[npt.NDArray[np.uint8]]:
    """The pictures of a clip at the rate of the recording."""
    begin, shown = None, 0
    with av.open(str(clip), metadata_errors="ignore") as container:
        for frame in container.decode(video=0):
            begin = frame.time if begin is None else begin
            pixels = frame.reformat(WIDTH, HEIGHT, "yuv420p").to_ndarray()
            while shown / RATE <= frame.time - begin + 1e-6:
                yield pixels
                shown += 1


if __name__ == "__main__":
    main()
