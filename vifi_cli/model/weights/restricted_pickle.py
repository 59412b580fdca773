"""Reads files that torch pickled, without running anything in them.

torch's own restricted unpickler does the reading: it knows tensors and plain values and refuses every other name.
Some names are added, because training programs keep settings and scores under them beside the weights: an
`OrderedDict` takes the place of yacs's `CfgNode` (published ViFi-CLIP checkpoints) and of Lightning's `AttributeDict`,
so whatever the file calls on it can only fill a dictionary. The others become a `_Dropped`, which keeps nothing. What
bears these names is never imported.
"""

import pickle
import pickletools
import re
import struct
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import torch

from vifi_cli.errors import ModelUnavailable
from vifi_cli.model.weights.size_limits import check_pickled_sizes


class _Dropped:
    """Takes the place of a setting or a score; whatever a file makes it of is forgotten."""

    def __new__(cls, *_: object) -> "_Dropped":
        return super().__new__(cls)

    def __init__(self, *_: object) -> None:
        """Keep nothing."""

    def __setstate__(self, _: object) -> None:
        """Keep nothing."""


_DICTIONARIES = (
    "yacs.config.CfgNode",
    "pytorch_lightning.utilities.parsing.AttributeDict",
    "lightning.pytorch.utilities.parsing.AttributeDict",
    "lightning.fabric.utilities.data.AttributeDict",
    "lightning_fabric.utilities.data.AttributeDict",
)
_DROPPED = (
    "argparse.Namespace",
    "types.SimpleNamespace",
    "pathlib.Path",
    "pathlib.PosixPath",
    "pathlib.WindowsPath",
    "pathlib.PurePosixPath",
    "pathlib._local.PosixPath",
    "numpy.dtype",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
)
_STAND_INS = [(OrderedDict, name) for name in _DICTIONARIES] + [(_Dropped, name) for name in _DROPPED]
# names in pickled tensors: their storages, types and the functions that rebuild them
_OF_TENSORS = re.compile(r"torch\.\w+$|torch\._(utils|tensor)\._rebuild_|collections\.OrderedDict$|yacs\.")
_ANOTHER_WAY = "save its state_dict() alone, or ask for it as .safetensors"


def read_pickled(path: Path) -> object:
    """Read a file that `torch.save` wrote; ModelUnavailable if it is damaged, or refused for more than plain values.

    Files that would grow in memory (`size_limits`) are refused before they are read.

    In a zip, torch's format since 1.6, tensors stay on disk until they are used, so unused ones (the state of an
    optimizer) take no memory.
    """
    try:
        check_pickled_sizes(path)
        with warnings.catch_warnings(), torch.serialization.safe_globals(_STAND_INS):  # type: ignore[arg-type]
            # about unusual pickle protocols; failures raise errors
            warnings.simplefilter("ignore")
            if path.suffix == ".safetensors":  # which torch would read as what the name says
                with path.open("rb") as file:
                    return torch.load(file, map_location="cpu", weights_only=True)
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError as error:
        raise ModelUnavailable(_refusal(path, str(error))) from error
    except RuntimeError as error:
        if "TorchScript" in str(error):
            raise ModelUnavailable(
                f"{path} is refused: it is a TorchScript program, as OpenAI's own files are: name these as "
                "--model clip-vit-b-16 or ViT-B-32/openai, or save the program's state_dict()"
            ) from error
        raise _damaged(path) from error
    except (EOFError, OSError, LookupError, ValueError, TypeError, AttributeError, struct.error) as error:
        raise _damaged(path) from error
    except (AssertionError, OverflowError, MemoryError) as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> ModelUnavailable:
    return ModelUnavailable(f"{path} is damaged or not a weights file: fetch it again")


def _refusal(path: Path, message: str) -> str:
    named = re.search(r"GLOBAL (\S+) (?:was not an allowed|whose module)", message)
    name = named[1] if named else next(_foreign_names(path), None)
    if name:
        return (
            f"{path} is refused: it names {name}, which is neither a weight nor a plain value and might run code; "
            f"{_ANOTHER_WAY}"
        )
    return f"{path} is refused: it holds code or objects beside weights (or is damaged); {_ANOTHER_WAY}"


def _foreign_names(path: Path) -> Iterator[str]:
    """The names that a pickle would import, found by reading its instructions, for the message alone."""
    strings: list[str] = []
    try:
        for instruction, argument, _ in pickletools.genops(_instructions(path)):
            if instruction.name in ("GLOBAL", "STACK_GLOBAL"):
                name = str(argument).replace(" ", ".") if argument else ".".join(strings[-2:])
                if not _OF_TENSORS.match(name):
                    yield name
            elif isinstance(argument, str):
                strings.append(argument)
    except (ValueError, OSError, StopIteration, zipfile.BadZipFile):
        return


def _instructions(path: Path) -> bytes:
    if not zipfile.is_zipfile(path):
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        return archive.read(next(name for name in archive.namelist() if name.endswith("data.pkl")))
