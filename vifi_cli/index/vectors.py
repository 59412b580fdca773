"""The vector file: every window's embedding in FAISS, a cache that is built from the catalog.

Its name holds the catalog's revision, which no other state of any catalog shares; a file with another name is out of
date. The catalog notes which file was made last. That one is brought up to date, or rebuilt, under a temporary name
and renamed. Where nothing can be written, vectors stay in memory. Search is exact.
"""

import importlib
import math
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from vifi_cli import paths
from vifi_cli.disk.replacement import remove_abandoned
from vifi_cli.errors import IndexProblem, MissingDependency
from vifi_cli.index.arrays import Float32Array, Int64Array
from vifi_cli.index.background import Background, background_of
from vifi_cli.index.catalog.catalog import Catalog
from vifi_cli.index.windows import window_embeddings
from vifi_cli.processors import computing_threads

try:
    faiss: Any = importlib.import_module("faiss")  # Any: its type stubs lack half of what we use
except ImportError as error:
    raise MissingDependency(
        "FAISS is not installed: run `pip install 'vifi[cpu]'`, "
        "or `pip install 'vifi[gpu]'` on a machine with an NVIDIA GPU (one of them, never both)"
    ) from error
if computing_threads() < faiss.omp_get_max_threads():
    faiss.omp_set_num_threads(computing_threads())

NAME = "vectors-"
ADD_AT_ONCE = READ_AT_ONCE = 16_384
READ_BYTES = WRITTEN_AT_ONCE = 1 << 20
ATTEMPTS = 5
MEAN_OF_WINDOWS = 1024
"""A larger index is sampled: the mean cosine of a query is then uncertain by a 32nd of their standard deviation."""
BACKGROUND_WINDOWS = 4096
"""A larger index is sampled for its covariance: several windows for each dimension of usual encoders."""
LIKELY_TIES = 64
"""Windows that are asked for in addition, since some may be equally near to FAISS."""
FLOAT32_ROUNDING = 2**-23
"""A cosine of two embeddings (D,), computed in float32, is less than D times this from the true one."""
GPU_ROUNDING = 2e-3
"""The same where a GPU rounds factors to TF32, whatever D is."""
GPU_MOST_RESULTS = 2048
"""FAISS on a GPU returns no more neighbors than this in one search."""


class Vectors:
    """Window embeddings that can be searched by inner product, each known by its window's id."""

    def __init__(self, index: Any, revision: str) -> None:
        self._index = index
        self.revision = revision
        self._nearest: tuple[bytes, int] | None = None  # the last query, and the nearest window's id

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @cached_property
    def _gpu_index(self) -> Any:
        """The same vectors on the first GPU, copied there at the first search; None without a GPU."""
        return _copy_to_gpu(self._index)

    def search(
        self,
        query: Float32Array,
        count: int,
        among: Int64Array | None = None,
        without: Int64Array | None = None,
    ) -> tuple[Int64Array, Float32Array]:
        """Finds the windows nearest to a query (D,) of length 1: ids and cosines, best first, equal ones by id.

        It finds `count` windows, if there are as many, or a few more: all other windows have lower cosines than the
        last one found. It looks only at windows with ids `among` these or, if that is None, at all `without` these.
        """
        asked = count + LIKELY_TIES
        while True:
            ids, bound = self._candidates(query, asked, among, without)
            cosines = self.cosines(query, ids)
            if len(ids) < asked:  # these are all
                break
            is_certain = cosines > bound
            if is_certain.sum() >= count:
                ids, cosines = ids[is_certain], cosines[is_certain]
                break
            asked *= 4
        best_first = np.lexsort((ids, -cosines))
        ids, cosines = ids[best_first], cosines[best_first]
        if among is without is None and len(ids):
            self._nearest = query.tobytes(), int(ids[0])
        return ids, cosines

    def nearest(self, query: Float32Array) -> int:
        """The id of the window nearest to a query among all; the last search has often found it already."""
        if self._nearest is None or self._nearest[0] != query.tobytes():
            self.search(query, 1)
        assert self._nearest is not None
        return self._nearest[1]

    def cosines(self, query: Float32Array, ids: Int64Array) -> Float32Array:
        """The cosines (N,) of windows that are here with a query, both of length 1.

        That of a window is always the same number: the sum is taken in double precision and in one order, whichever
        other windows are asked for. FAISS's own depends on filters and device in the last digits.
        """
        parts = [np.empty(0, np.float32)]
        for start in range(0, len(ids), READ_AT_ONCE):
            products = self.embeddings(ids[start : start + READ_AT_ONCE]) * query.astype(np.float64)
            parts.append(products.sum(axis=1).astype(np.float32))
        return np.concatenate(parts)

    def _candidates(
        self, query: Float32Array, count: int, among: Int64Array | None, without: Int64Array | None
    ) -> tuple[Int64Array, float]:
        """The ids of FAISS's `count` nearest windows, or of all, and the highest cosine that another may have."""
        index, parameters, error = self._index, None, self._index.d * FLOAT32_ROUNDING
        if among is not None:
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorBatch(among))
        elif without is not None and len(without):
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorNot(faiss.IDSelectorBatch(without)))
        elif count <= GPU_MOST_RESULTS and self._gpu_index is not None:
            index, error = self._gpu_index, GPU_ROUNDING
        scores, ids = index.search(query[None], min(count, len(self)), params=parameters)
        found = ids[0] >= 0
        return ids[0][found], float(scores[0][found].min(initial=math.inf)) + error

    def in_parts(self) -> Iterator[Float32Array]:
        """Yields the embeddings of all windows in parts, float32 (N, D)."""
        for start in range(0, len(self), READ_AT_ONCE):
            yield self._index.index.reconstruct_n(start, min(READ_AT_ONCE, len(self) - start))

    def spread_sample(self, count: int) -> Float32Array:
        """The embeddings float32 (N, D) of at most `count` windows, evenly spaced among all."""
        return self._at(np.unique(np.linspace(0, len(self) - 1, min(count, len(self))).astype(np.int64)))

    @cached_property
    def mean(self) -> Float32Array:
        """The mean (D,) of the windows' embeddings: its product with a query is the query's mean cosine."""
        mean: Float32Array = self.spread_sample(MEAN_OF_WINDOWS).mean(axis=0)
        return mean

    @cached_property
    def background(self) -> Background:
        """How the windows are spread; takes a tenth of a second for D = 512, so it is measured once."""
        return background_of(self.spread_sample(BACKGROUND_WINDOWS))

    def embeddings(self, ids: Int64Array) -> Float32Array:
        """The embeddings float32 (N, D) of windows that are here, by their ids (N,)."""
        known, order = self._ids
        return self._at(order[np.searchsorted(known, ids, sorter=order)])

    def _at(self, places: Int64Array) -> Float32Array:
        found: Float32Array = self._index.index.reconstruct_batch(places)
        return found

    @cached_property
    def _ids(self) -> tuple[Int64Array, Int64Array]:
        """The id at each place, and the places in the order of their ids."""
        known = faiss.vector_to_array(self._index.id_map)
        return known, np.argsort(known, kind="stable")


def open_vectors(catalog: Catalog) -> Vectors:
    """Loads the vector file of the catalog's present revision, making it first where it is missing.

    The file is mapped into memory, so that opening it costs next to nothing however large it is. Other processes may
    bring the index up to date, and make and remove vector files, at the same time.
    """
    for _ in range(ATTEMPTS):
        revision = catalog.revision
        path = vector_file(catalog, revision)
        if not path.exists():
            index, revision = _build(catalog)
            if not os.access(catalog.path, os.W_OK):
                return Vectors(index, revision)  # who may only read leaves nothing in the owner's folder
            path = vector_file(catalog, revision)
            try:
                _write(index, path)
                catalog.note_vectors(revision)
            except (OSError, RuntimeError, IndexProblem):
                # no space, no right to write, or an index run that writes now: this search has them anyway
                return Vectors(index, revision)
            _remove_others(path)
        try:
            return Vectors(_read(path), revision)
        except FileNotFoundError:  # removed by a process that knows a newer revision
            continue
        except OSError:  # it may well be good, but cannot be read now
            break
        except RuntimeError:  # damaged
            with suppress(OSError):
                path.unlink(missing_ok=True)
    return vectors_in_memory(catalog)


def vectors_in_memory(catalog: Catalog) -> Vectors:
    """Makes the vectors of the catalog as it is, without a file."""
    return Vectors(*_build(catalog))


def vector_file(catalog: Catalog, revision: str) -> Path:
    """The path of the vector file of one revision of a catalog."""
    return catalog.path.parent / f"{NAME}{revision}.faiss"


def gpu_count() -> int:
    """How many GPUs this FAISS can search on."""
    return int(faiss.get_num_gpus()) if hasattr(faiss, "StandardGpuResources") else 0


def _build(catalog: Catalog) -> tuple[Any, str]:
    """The vectors of all windows, reusing those of the last vector file, and their revision."""
    with catalog.snapshot():
        wanted = catalog.window_ids()
        index = _last_made(catalog)
        known = faiss.vector_to_array(index.id_map)
        superfluous = np.setdiff1d(known, wanted, assume_unique=True)
        if len(superfluous) > len(wanted) / 2:
            index, known = empty_index(catalog.indexed_with.dimension), known[:0]
        elif len(superfluous):
            index.remove_ids(superfluous)
        # Ids only ever grow, so all windows above the newest one known are new, and all others are there.
        newest = int(known.max(initial=-1))
        for ids, embeddings in _new_vectors(catalog, newest):
            index.add_with_ids(embeddings, ids)
        return index, catalog.revision


def _new_vectors(catalog: Catalog, after_id: int) -> Iterator[tuple[Int64Array, Float32Array]]:
    for video_id, rows in catalog.windows_by_video(after_id):
        _, frame_embeddings = catalog.frames(video_id)
        for start in range(0, len(rows), ADD_AT_ONCE):
            part = rows[start : start + ADD_AT_ONCE]
            yield part[:, 0].copy(), window_embeddings(frame_embeddings, part[:, 1:])


def _last_made(catalog: Catalog) -> Any:
    """The vectors of the earlier state for which a file was last made; none if it cannot be read."""
    empty = empty_index(catalog.indexed_with.dimension)
    if catalog.vectors_revision is None:
        return empty
    path = vector_file(catalog, catalog.vectors_revision)
    try:
        index = faiss.read_index(str(path)) if path.exists() else empty
    except RuntimeError:  # damaged: it is only a cache
        return empty
    return index if isinstance(index, faiss.IndexIDMap) and index.d == empty.d else empty


def empty_index(dimension: int) -> Any:
    """An exact inner-product index that keeps float16 numbers, as precise as the catalog's own."""
    flat = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    return faiss.IndexIDMap(flat)


def _read(path: Path) -> Any:
    """A vector file, mapped into memory where the file system allows it.

    Raises:
        OSError: it cannot be read.
        RuntimeError: it can, and is damaged.
    """
    with path.open("rb"):
        pass
    for flags in (faiss.IO_FLAG_MMAP_IFC, 0):
        with suppress(RuntimeError):
            return faiss.read_index(str(path), flags)
    with path.open("rb") as file:  # FAISS reports a failing disk in the same way as a damaged file
        while file.read(READ_BYTES):
            pass
    raise RuntimeError(f"{path} is damaged")


def _write(index: Any, path: Path) -> None:
    """Writes through Python, since FAISS itself does not notice that its last bytes do not fit on a full disk."""
    with paths.replacing(path, is_own=True) as unfinished, unfinished.open("wb") as file:
        faiss.write_index(index, faiss.PyCallbackIOWriter(file.write, WRITTEN_AT_ONCE))


def _remove_others(current: Path) -> None:
    """Deletes the vector files of other revisions, and unfinished ones of killed processes."""
    for path in current.parent.glob(f"{NAME}*.faiss"):
        if path != current:
            with suppress(OSError):  # another user's, in a shared folder
                path.unlink(missing_ok=True)
    remove_abandoned(current.parent, earlier=True)


def _copy_to_gpu(index: Any) -> Any:
    if not gpu_count() or not index.ntotal:
        return None
    resources = faiss.StandardGpuResources()
    flat = faiss.GpuIndexFlatIP(resources, index.d)
    on_gpu = faiss.IndexIDMap(flat)
    on_gpu.kept_alive = (resources, flat)  # FAISS itself holds no reference to them
    stored = faiss.downcast_index(index.index)
    on_gpu.add_with_ids(stored.reconstruct_n(0, stored.ntotal), faiss.vector_to_array(index.id_map))
    return on_gpu
