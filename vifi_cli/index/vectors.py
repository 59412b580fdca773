"""The vector file: every window's embedding in FAISS, built from the catalogue, whose cache it is.

Its name holds the catalogue's identity and the generation it was built from. A file of another name is out of
date: it is brought up to date, or built anew, written under a temporary name and renamed. Search is exact.
"""

import importlib
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vifi_cli.errors import MissingDependency
from vifi_cli.index.catalog import Catalog
from vifi_cli.index.windows import window_embeddings

try:
    faiss: Any = importlib.import_module("faiss")  # Any: its type stubs miss half of what is used here
except ImportError as error:
    raise MissingDependency(
        "FAISS is not installed: run `pip install 'vifi[cpu]'`, "
        "or `pip install 'vifi[gpu]'` on a machine with an NVIDIA GPU (one of them, never both)"
    ) from error

ADD_AT_ONCE = 16_384
GPU_MOST_RESULTS = 2048
"""FAISS on a GPU returns no more neighbours than this in one search."""


class Vectors:
    """Window embeddings that can be searched by inner product, each known by its window's id."""

    def __init__(self, index: Any) -> None:
        self._index = index

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @cached_property
    def _gpu_index(self) -> Any:
        """The same vectors on the first GPU, copied there at the first search, or None where there is none."""
        return _copy_to_gpu(self._index)

    def search(
        self,
        query: npt.NDArray[np.float32],
        count: int,
        among: npt.NDArray[np.int64] | None = None,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Finds the windows nearest to a query.

        Args:
            query: float32 (D,), of length 1.
            count: how many windows at most.
            among: int64 ids of the windows to look at; None looks at all.

        Returns:
            Ids and cosines, best first; fewer than `count` where there are no more.
        """
        index, parameters = self._index, None
        if among is not None:
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorBatch(among))
        elif count <= GPU_MOST_RESULTS and self._gpu_index is not None:
            index = self._gpu_index
        scores, ids = index.search(query[None], min(count, len(self)), params=parameters)
        found = ids[0] >= 0
        return ids[0][found], scores[0][found]


def open_vectors(catalog: Catalog) -> Vectors:
    """Loads the vector file of the catalogue's present generation, making it first where it is missing.

    The file is mapped into memory, so that opening it costs next to nothing however large it is.
    """
    path = vector_file(catalog, catalog.generation)
    if not path.exists():
        _make(catalog, path)
    try:
        return Vectors(_map_into_memory(path))
    except RuntimeError:  # damaged: it is only a cache
        path.unlink()
        _make(catalog, path)
        return Vectors(_map_into_memory(path))


def vector_file(catalog: Catalog, generation: int) -> Path:
    """The path of the vector file that belongs to one generation of a catalogue."""
    return catalog.path.parent / f"vectors-{catalog.identity}-{generation}.faiss"


def gpu_count() -> int:
    """How many GPUs this FAISS can search on."""
    return int(faiss.get_num_gpus()) if hasattr(faiss, "StandardGpuResources") else 0


def _make(catalog: Catalog, path: Path) -> None:
    _write(_build(catalog), path)
    _remove_others(path)


def _map_into_memory(path: Path) -> Any:
    return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)


def _build(catalog: Catalog) -> Any:
    """The vectors of all windows, taking over what an earlier generation's file already holds."""
    wanted = catalog.window_ids()
    index = _earlier(catalog)
    known = faiss.vector_to_array(index.id_map)
    superfluous = np.setdiff1d(known, wanted, assume_unique=True)
    if len(superfluous) > len(wanted) / 2:
        index, known = _empty(catalog.indexed_with.dimension), known[:0]
    elif len(superfluous):
        index.remove_ids(superfluous)
    # Ids only ever grow, so all windows above the newest one known are new, and all others are there.
    newest = int(known.max(initial=-1))
    for ids, embeddings in _new_vectors(catalog, newest):
        index.add_with_ids(embeddings, ids)
    return index


def _new_vectors(
    catalog: Catalog, after_id: int
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]]:
    for video_id, rows in catalog.windows_by_video(after_id):
        _, frame_embeddings = catalog.frames(video_id)
        for start in range(0, len(rows), ADD_AT_ONCE):
            part = rows[start : start + ADD_AT_ONCE]
            yield part[:, 0].copy(), window_embeddings(frame_embeddings, part[:, 1:])


def _earlier(catalog: Catalog) -> Any:
    """The vectors of the newest readable file of this catalogue, or none."""
    files = catalog.path.parent.glob(f"vectors-{catalog.identity}-*.faiss")
    for path in sorted(files, key=_generation_of, reverse=True):
        try:
            index = faiss.read_index(str(path))
        except RuntimeError:  # damaged: it is only a cache
            continue
        if isinstance(index, faiss.IndexIDMap) and index.d == catalog.indexed_with.dimension:
            return index
    return _empty(catalog.indexed_with.dimension)


def _generation_of(path: Path) -> int:
    digits = path.stem.rpartition("-")[2]
    return int(digits) if digits.isdigit() else -1


def _empty(dimension: int) -> Any:
    """An exact inner-product index that keeps float16 numbers, as precise as the catalogue's own."""
    flat = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    return faiss.IndexIDMap(flat)


def _write(index: Any, path: Path) -> None:
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    faiss.write_index(index, str(unfinished))
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.replace(path)


def _remove_others(current: Path) -> None:
    """Deletes vector files of other generations and catalogues, and what killed processes left unfinished."""
    for pattern in ("vectors-*.faiss", "vectors-*.tmp"):
        for path in current.parent.glob(pattern):
            if path != current:
                path.unlink(missing_ok=True)


def _copy_to_gpu(index: Any) -> Any:
    """The same vectors on the first GPU, or None where this FAISS has none."""
    if not gpu_count() or not index.ntotal:
        return None
    resources = faiss.StandardGpuResources()
    flat = faiss.GpuIndexFlatIP(resources, index.d)
    on_gpu = faiss.IndexIDMap(flat)
    on_gpu.kept_alive = (resources, flat)  # FAISS itself holds no reference to them
    stored = faiss.downcast_index(index.index)
    on_gpu.add_with_ids(stored.reconstruct_n(0, stored.ntotal), faiss.vector_to_array(index.id_map))
    return on_gpu
