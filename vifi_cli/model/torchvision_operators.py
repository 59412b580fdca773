"""Lets a torchvision that was built for CUDA be imported beside a CPU-only torch.

On some machines pip finds a CPU wheel of torch, but only the CUDA wheel of torchvision. The compiled operators of the
latter then fail to load, and `import torchvision` stops with `operator torchvision::nms does not exist`, because it
registers shapes for operators that nobody defined. timm and open_clip import torchvision and fail too, although they
use only its image transforms, which are plain Python. Declaring the two missing operators, without an implementation,
lets the import succeed. Box suppression (`nms`) and `torchvision.io` stay unavailable; vifi uses neither.
"""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_MISSING_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


@cache
def declare_missing_operators() -> Any:
    """Make a CUDA torchvision work beside a CPU torch; call it before importing torchvision, timm or open_clip.

    Returns the `torch.library.Library` that owns the declarations, or None where none were needed. The cache of this
    function keeps it alive, and with it the declarations.
    """
    import torch

    if torch.version.cuda is not None or not _torchvision_was_built_for_cuda():
        return None
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for schema in _MISSING_OPERATORS:
        library.define(schema)  # type: ignore[no-untyped-call]
    return library


def _torchvision_was_built_for_cuda() -> bool:
    # The package metadata may hide the build tag; version.py, written by the build itself, does not.
    spec = find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations:
        return False
    version_file = Path(spec.submodule_search_locations[0], "version.py")
    return version_file.exists() and re.search(r"\+cu\d+", version_file.read_text()) is not None
