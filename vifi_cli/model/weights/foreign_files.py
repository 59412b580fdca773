"""Recognizes files that are not weights, or are in a format that vifi does not read, by their first bytes."""

import re
import zipfile
from pathlib import Path

from vifi_cli.errors import ModelUnavailable
from vifi_cli.model.weights.size_limits import HEADER_SIZE_BYTES, LONGEST_DESCRIPTION_BYTES

_FIRST_BYTES = 512
_SAVE_AS = "save its weights with torch.save or as .safetensors"
_UNPACK = "unpack it, and name the weights inside"
_FETCH_AGAIN = "fetch it again"
FORMATS_BY_SUFFIX = {
    ".onnx": "an ONNX program",
    ".gguf": "in llama.cpp's format (GGUF)",
    ".ggml": "in llama.cpp's format (GGML)",
    ".h5": "in Keras's format",
    ".keras": "in Keras's format",
    ".pb": "a TensorFlow graph",
    ".tflite": "a TensorFlow Lite program",
    ".msgpack": "in Flax's format",
    ".npz": "an archive of NumPy arrays",
    ".npy": "a NumPy array",
    ".engine": "a TensorRT program",
    ".mlmodel": "a Core ML program",
}
_FORMATS_BY_START = (
    (b"GGUF", "in llama.cpp's format (GGUF)", _SAVE_AS),
    (b"\x89HDF\r\n\x1a\n", "in Keras's format", _SAVE_AS),
    (b"\x93NUMPY", "a NumPy array", _SAVE_AS),
    (b"\x1f\x8b", "compressed by gzip", _UNPACK),
    (b"BZh", "compressed by bzip2", _UNPACK),
    (b"\xfd7zXZ", "compressed by xz", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
)
_TAR_MARK, _TAR_MARK_AT = b"ustar", 257
_ONNX_START = re.compile(rb"\x08[\x01-\x20](\x12.(pytorch|tf2onnx|onnx)|.{0,40}onnx)", re.DOTALL)
_TEXT_SHOWN = 60
_UNFINISHED = (".part", ".crdownload", ".incomplete", ".download", ".aria2")


def is_safetensors(path: Path) -> bool:
    """Whether a file begins as .safetensors do, whatever its name; OSError if it cannot be read."""
    with path.open("rb") as file:
        start = file.read(HEADER_SIZE_BYTES + 1)
    return start[HEADER_SIZE_BYTES:] == b"{" and int.from_bytes(start[:-1], "little") < 2**40


def format_in_words(path: Path) -> str:
    """What a file is, and what to do, where its name shows that vifi does not read it; otherwise empty."""
    suffix = path.suffix.lower()
    if suffix in FORMATS_BY_SUFFIX:
        return f"{FORMATS_BY_SUFFIX[suffix]}, which vifi does not read: {_SAVE_AS}"
    return f"an unfinished download: {_FETCH_AGAIN}" if suffix in _UNFINISHED else ""


def refuse_foreign_file(path: Path) -> None:
    """Raises ModelUnavailable, saying what the file is, if it holds no weights that vifi reads, or not all of them."""
    try:
        with path.open("rb") as file:
            start = file.read(_FIRST_BYTES)
        found = _foreign_format(start) or _missing_end(path, start)
    except OSError as error:
        raise ModelUnavailable(f"{path} cannot be read ({error.strerror}): check its permissions") from error
    if found:
        raise ModelUnavailable(f"{path} {found}")


def _foreign_format(start: bytes) -> str:
    if not start:
        return f"is damaged: it is empty; {_FETCH_AGAIN}"
    if start.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer, which stands for the weights: run `git lfs pull` in its folder"
    for beginning, name, instead in _FORMATS_BY_START:
        if start.startswith(beginning):
            return f"is {name}, which vifi does not read: {instead}"
    if start[_TAR_MARK_AT:].startswith(_TAR_MARK):
        return f"is a tar archive: {_UNPACK}"
    if _ONNX_START.match(start):
        return f"is an ONNX program, which vifi does not read: {_SAVE_AS}"
    return _text(start)


def _text(start: bytes) -> str:
    """What a text is that stands where weights should be; empty if these bytes are not a text."""
    try:
        text = start.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    # the first pickles were text, too, and end with a dot
    if not all(letter.isprintable() or letter.isspace() for letter in text) or len(text) < 2:
        return ""
    words = " ".join(text.split())
    if re.match(r"<(!doctype|html|\?xml)", words, re.IGNORECASE):
        return f"is a web page, not weights: {_FETCH_AGAIN}, logged in where the site asks for it"
    shown = words[:_TEXT_SHOWN] + ("…" if len(words) > _TEXT_SHOWN else "")
    return f"is a text, not weights ({shown}): it is damaged, so {_FETCH_AGAIN}"


def _missing_end(path: Path, start: bytes) -> str:
    incomplete = f"is damaged: its end is missing, as after a download that broke off; {_FETCH_AGAIN}"
    if start.startswith(b"PK\x03\x04"):
        return "" if zipfile.is_zipfile(path) else incomplete
    if start[HEADER_SIZE_BYTES : HEADER_SIZE_BYTES + 1] != b"{":
        return ""
    header_bytes = int.from_bytes(start[:HEADER_SIZE_BYTES], "little")
    if header_bytes > LONGEST_DESCRIPTION_BYTES:
        return ""  # refused elsewhere
    with path.open("rb") as file:
        header = file.read(HEADER_SIZE_BYTES + header_bytes)
    ends = [int(end) for end in re.findall(rb'"data_offsets"\s*:\s*\[\s*\d+\s*,\s*(\d+)', header)]
    needed = HEADER_SIZE_BYTES + header_bytes + max(ends, default=0)
    return incomplete if path.stat().st_size < needed else ""
