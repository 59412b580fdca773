"""The checks of `vifi doctor`: each finding describes a fact and, if something is wrong, its fix."""

import importlib.metadata
import os
import platform
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vifi_cli import __version__
from vifi_cli.errors import IndexMissing, VifiError
from vifi_cli.processors import usable_processors
from vifi_cli.settings.settings import every_setting
from vifi_cli.wording import as_argument, counted, size

if TYPE_CHECKING:
    from vifi_cli.index.catalog.catalog import Catalog

LITTLE_FREE_BYTES = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    subject: str  # what was checked
    state: Literal["fine", "note", "problem"]  # a note is worth knowing, with nothing to do
    detail: str  # what was found
    fix: str | None = None  # what to do, if something is wrong


def examine(home: Path, searched: Path | None = None) -> Iterator[Finding]:
    """Runs every check on the installation and on the data folder; none of them raises.

    `searched` is the folder of the index that searches use; the one in `home` by default.
    """
    checks: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("Versions", _versions),
        ("Settings", _settings),
        ("Encoder's device", _device),
        ("Vector search", _vector_search),
        ("Decoding", _decoding),
        ("Models", _models),
        ("Free disk", lambda: _disk(home)),
        ("Index", lambda: _index(searched or home / "index", own=home / "index")),
        ("Concepts", lambda: _concepts(searched or home / "index")),
    )
    for subject, check in checks:
        try:
            yield from check()
        except (VifiError, ImportError, OSError, sqlite3.Error) as error:
            yield Finding(subject, "problem", str(error))


def _versions() -> Iterator[Finding]:
    import av

    ffmpeg = ".".join(str(number) for number in av.library_versions["libavcodec"])
    yield Finding("vifi", "fine", f"{__version__}, Python {platform.python_version()}, {platform.platform()}")
    packages = ("torch", "torchvision", "open_clip_torch", "onnxruntime", "av", "sqlite-utils", "typer")
    versions = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in packages)
    yield Finding("Packages", "fine", f"{versions}; libavcodec {ffmpeg}, SQLite {sqlite3.sqlite_version}")


def _settings() -> Iterator[Finding]:
    changed = [f"{one.key} from {one.place}" for one in every_setting() if one.source != "default"]
    yield Finding("Settings", "fine", ", ".join(changed) or "all have their defaults")


def _device() -> Iterator[Finding]:
    import torch

    if torch.cuda.is_available():
        yield Finding("Encoder's device", "fine", f"cuda: {torch.cuda.get_device_name()}")
    elif torch.backends.mps.is_available():
        yield Finding("Encoder's device", "fine", "mps: the GPU of this Mac")
    elif torch.version.cuda is None:
        cores = counted(usable_processors(), "core")
        yield Finding("Encoder's device", "fine", f"cpu, {cores}: this torch was built without CUDA")
    else:
        yield Finding(
            "Encoder's device", "note", "cpu: torch could use CUDA but sees no GPU", "check `nvidia-smi`"
        )


def _vector_search() -> Iterator[Finding]:
    import faiss

    from vifi_cli.index.vectors import gpu_count

    both = [name for name in ("faiss-cpu", "faiss-gpu") if _is_installed(name)]
    if len(both) == 2:
        problem = "faiss-cpu and faiss-gpu are both installed and overwrite each other"
        fix = "pip uninstall -y faiss-cpu faiss-gpu, then install one of them"
        yield Finding("Vector search", "problem", problem, fix)
        return
    where = f"on {counted(gpu_count(), 'GPU')}" if gpu_count() else "on the CPU"
    yield Finding("Vector search", "fine", f"FAISS {faiss.__version__}, exact, {where}")


def _is_installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _decoding() -> Iterator[Finding]:
    from vifi_cli.index.update.encoding import decoder_processes

    processes = counted(decoder_processes(), "process", "processes")
    seeking = "vifi seeks in files with dense keyframes and reads others in full"
    yield Finding("Decoding", "fine", f"PyAV in {processes}; {seeking}")


def _models() -> Iterator[Finding]:
    from vifi_cli.api.models.choosing import choose_for_new_index
    from vifi_cli.model.registry.hub import hub_reachable
    from vifi_cli.model.weights.packaged_weights import PACKAGED_FILES, starter_is_installed

    if hub_reachable():
        yield Finding("Model hub", "fine", "reachable")
    else:
        effect = "models that are not on this machine cannot be fetched"
        yield Finding("Model hub", "note", f"cannot be reached: {effect}")
    chosen = choose_for_new_index(None)
    yield Finding("Default encoder", "fine", f"{chosen.name} ({chosen.reason})")
    if starter_is_installed():
        for file in PACKAGED_FILES:
            file.locate()
        yield Finding("Starter's weights", "fine", "the published files, by their SHA-256")


def _disk(home: Path) -> Iterator[Finding]:
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if not existing.is_dir():
        yield Finding("Data folder", "problem", f"{existing} is a file", "set VIFI_HOME to a folder")
        return
    if not os.access(existing, os.W_OK):
        fix = "set VIFI_HOME to a folder that can"
        yield Finding("Data folder", "problem", f"{home} cannot be written", fix)
    if free < LITTLE_FREE_BYTES:
        fix = "make room, or set VIFI_HOME elsewhere"
        yield Finding("Free disk", "problem", f"only {size(free)} free at {home}", fix)
    else:
        yield Finding("Free disk", "fine", f"{size(free)} at {home}")


def _presence(catalog: "Catalog") -> Iterator[Finding]:
    """Indexed videos whose files cannot be seen: gone, or behind folders such as those of disks that are away."""
    from vifi_cli.index.update.presence import part_gone
    from vifi_cli.video.files.content import is_there

    videos = catalog.videos()
    missing = [video for video in videos if not is_there(video.path)]
    gone, out_of_reach = part_gone(missing, set(catalog.roots()), videos)
    if gone:
        found = f"the files of {counted(len(gone), 'indexed video')} are gone"
        yield Finding(
            "Files", "note", found, "`vifi index` finds those that moved, `vifi prune` drops the others"
        )
    for folder, count in sorted(Counter(out_of_reach.values()).items()):
        found = (
            f"{counted(count, 'indexed video')} out of reach: {folder} is missing, unreadable, or not mounted"
        )
        fix = f"make it available again; `vifi prune --missing {as_argument(folder)}` drops what is out of reach"
        yield Finding("Files", "note", found, fix)


def _postponed(catalog: "Catalog") -> Iterator[Finding]:
    if postponed := catalog.postponed():
        example = f"such as {postponed[0].file.path} ({postponed[0].reason})"
        files = counted(len(postponed), "file")
        yield Finding("Index", "note", f"{files} to be tried again, {example}", "run `vifi index`")


def _index(folder: Path, own: Path) -> Iterator[Finding]:
    from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
    from vifi_cli.index.summary import vectors_agree
    from vifi_cli.index.update.rebuild import rebuild_folder
    from vifi_cli.index.vectors import open_vectors

    try:
        with Catalog(folder / CATALOG_FILE) as catalog:
            if faults := catalog.faults():
                fix = f"move {folder} away and run `vifi index` on your folders again"
                yield Finding("Index", "problem", "; ".join(faults), fix)
                return
            vectors = open_vectors(catalog)
            windows, videos = len(catalog.window_ids()), counted(len(catalog.videos()), "video")
            if windows == len(vectors) and vectors_agree(catalog, vectors):
                whose = "" if folder == own else "of `vifi demo`, as you have none of your own: "
                agree = f"catalog and vectors agree ({windows:,} windows)"
                yield Finding("Index", "fine", f"{whose}{videos}; {agree}")
                yield from _postponed(catalog)
                yield from _presence(catalog)
            else:
                numbers = f"{windows:,} windows, {len(vectors):,} vectors"
                fix = f"delete {folder}/vectors-*.faiss: the next search makes it again"
                yield Finding(
                    "Index", "problem", f"the vectors are not those of the catalog ({numbers})", fix
                )
    except IndexMissing as missing:
        yield Finding("Index", "note", str(missing))
    if rebuild_folder(folder).exists():
        fix = "the same `vifi index --rebuild …` continues it"
        yield Finding("Rebuild", "note", "an index rebuild was interrupted", fix)


def _concepts(folder: Path) -> Iterator[Finding]:
    """What was taught: whether it can be read, and whether the marked videos are in the index."""
    from vifi_cli.index.catalog.catalog import CATALOG_FILE, Catalog
    from vifi_cli.index.concepts.marked import found_marks
    from vifi_cli.index.concepts.store import ConceptStore

    store = ConceptStore(folder)
    if faults := store.faults():
        fix = f"restore {store.path} from a backup, or move it away and teach again"
        yield Finding("Concepts", "problem", "; ".join(faults), fix)
        return
    concepts = store.all()
    marks = [mark for concept in concepts for mark in concept.marks]
    if not concepts:
        return
    yield Finding(
        "Concepts", "fine", f"{counted(len(concepts), 'concept')} with {counted(len(marks), 'mark')}"
    )
    with suppress(IndexMissing), Catalog(folder / CATALOG_FILE) as catalog:
        if absent := len(marks) - len(found_marks(catalog, marks)):
            found = f"{counted(absent, 'mark')} of videos that have changed or are not in the index"
            yield Finding("Concepts", "note", found, "`vifi index` their folders, and they count again")
