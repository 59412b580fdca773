"""Files and folders that are not labeled videos, and what to name instead."""

from pathlib import Path

from vifi_cli.errors import InvalidInput
from vifi_cli.video.files.recognition import OTHER_SUFFIXES, VIDEO_SUFFIXES

_AS_TABLE = "save it as CSV with the columns path,label"
_ARCHIVES = frozenset((".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".rar", ".tbz2"))
_SPREADSHEETS = frozenset((".xlsx", ".xls", ".xlsm", ".ods", ".numbers"))
_WEIGHTS = frozenset((".pt", ".pth", ".ckpt", ".safetensors", ".bin", ".onnx"))
_TEXTS = frozenset((".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".eaf"))
_KINDS = (
    (VIDEO_SUFFIXES, "is a video: name a folder with a folder per class, or a table; `vifi classify` classifies one"),
    (_ARCHIVES, "is an archive: unpack it, and name the folder with the videos"),
    (_SPREADSHEETS, f"is a spreadsheet: {_AS_TABLE}"),
    (_WEIGHTS, "holds weights of a model: name it with --model, and labeled videos with --data"),
    ((OTHER_SUFFIXES | {".feather", ".arrow"}) - _TEXTS, f"is not a list of videos: {_AS_TABLE}"),
)  # fmt: skip


def refuse_other_files(path: Path) -> None:
    """Raises InvalidInput for a file that by its suffix is neither a table nor a list."""
    for suffixes, reason in _KINDS:
        if path.suffix.lower() in suffixes:
            raise InvalidInput(f"{path} {reason}")


def refuse_other_folders(folder: Path) -> None:
    """Raises InvalidInput for a folder without labeled videos that holds a model, a run or an index."""
    has_results = (folder / "best").is_dir() or (folder / "metrics.jsonl").is_file()
    if (folder / "config.toml").is_file() and has_results:
        raise InvalidInput(
            f"{folder} is a run: name {folder}/best with --model, and with --data what it learned from"
        )
    if any(any(folder.glob(pattern)) for pattern in ("*.safetensors", "open_clip_*", "pytorch_model*")):
        raise InvalidInput(f"{folder} is a model: name it with --model, and labeled videos with --data")
    if (folder / "index" / "catalog.sqlite3").is_file():
        raise InvalidInput(f"{folder} holds an index: name the folder of labeled videos")
