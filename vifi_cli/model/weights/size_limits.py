"""Checks the sizes in weights files before anything is read into memory: small files must not grow without end."""

import pickletools
import zipfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from vifi_cli.errors import ModelUnavailable

if TYPE_CHECKING:
    from torch import Tensor

LONGEST_DESCRIPTION_BYTES = 16 * 2**20  # of what describes the tensors; a CLIP model's has about 100 kB
PICKLES_BEFORE_TENSORS = 5  # in torch's format before 1.6
TORCHSCRIPT_MEMBER = "constants.pkl"  # of a program, which torch refuses before it reads any of it
PICKLE_MEMBER = "data.pkl"
HEADER_SIZE_BYTES = 8  # of .safetensors


def check_pickled_sizes(path: Path) -> None:
    """Raises ModelUnavailable if a file of torch is compressed, or describes its tensors with too much."""
    if zipfile.is_zipfile(path):
        _check_archive(path)
    else:
        _check_pickles(path)


def check_header_size(path: Path) -> None:
    """Raises ModelUnavailable if a .safetensors file describes its tensors with too much; OSError if unreadable."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(HEADER_SIZE_BYTES), "little")
    if LONGEST_DESCRIPTION_BYTES < size <= path.stat().st_size:
        raise _too_long(path)


def is_as_large_as_its_values(tensor: "Tensor") -> bool:
    """Whether a tensor has no more values than the file holds for it; one value repeated a billion times has."""
    if str(tensor.layout) != "torch.strided" or tensor.is_meta:
        return False
    return tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()


def _check_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return  # torch finds the damage, too
    if any(member.filename.endswith(TORCHSCRIPT_MEMBER) for member in members):
        return
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
            raise ModelUnavailable(
                f"{path} is refused: it is compressed, as torch never does; save its weights again"
            )
        if member.filename.endswith(PICKLE_MEMBER) and member.file_size > LONGEST_DESCRIPTION_BYTES:
            raise _too_long(path)


def _check_pickles(path: Path) -> None:
    with path.open("rb") as file:
        beginning = cast(IO[bytes], _Beginning(file))
        try:
            for _ in range(PICKLES_BEFORE_TENSORS):
                for _ in pickletools.genops(beginning):
                    pass
        except _TooMuch as error:
            raise _too_long(path) from error
        except (ValueError, OverflowError, UnicodeDecodeError):
            return  # the end, or damage, which torch finds, too


class _TooMuch(Exception):
    pass


class _Beginning:
    """The beginning of a file, as far as a description may reach."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, count: int = -1) -> bytes:
        if self._file.tell() + max(count, 0) > LONGEST_DESCRIPTION_BYTES:
            raise _TooMuch
        return self._file.read(count)

    def readline(self) -> bytes:
        line = self._file.readline(LONGEST_DESCRIPTION_BYTES)
        if self._file.tell() > LONGEST_DESCRIPTION_BYTES:
            raise _TooMuch
        return line

    def tell(self) -> int:
        return self._file.tell()


def _too_long(path: Path) -> ModelUnavailable:
    most = LONGEST_DESCRIPTION_BYTES // 2**20
    return ModelUnavailable(f"{path} is refused: more than {most} MB describe its weights; save them alone")
