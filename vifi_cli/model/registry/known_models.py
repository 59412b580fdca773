"""The models that vifi knows by name, from `known_models.csv`; reading it needs no heavy imports."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

DEFAULT_MODEL = "clip-vit-b-16"
STARTER = "starter"
STARTER_DIMENSION = 384


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model known by name; architecture and tag are open_clip's names, the repository is on the Hugging Face hub."""

    name: str
    architecture: str
    tag: str
    repository: str
    license: str  # of the weights
    size_mb: int  # of both towers' weights as float32
    dimension: int  # D, the length of an embedding
    gmacs: float  # billions of multiply-adds to embed one frame
    languages: Literal["English", "many"]  # that its text tower reads
    good_for: str

    @property
    def speed(self) -> Literal["fastest", "fast", "medium", "slow", "slowest"]:
        """The speed of embedding frames: on two cores, from about 100 frames a second to less than one."""
        steps: tuple[tuple[float, Literal["fastest", "fast", "medium", "slow"]], ...] = (
            (1, "fastest"),
            (6, "fast"),
            (15, "medium"),
            (25, "slow"),
        )
        return next((speed for limit, speed in steps if self.gmacs < limit), "slowest")


def find_known_model(name: str) -> KnownModel | None:
    """The known model of this name."""
    return next((model for model in KNOWN_MODELS if model.name == name), None)


def _known_model(row: Mapping[str, str]) -> KnownModel:
    return KnownModel(
        name=row["name"],
        architecture=row["architecture"],
        tag=row["tag"],
        repository=row["repository"],
        license=row["license"],
        size_mb=int(row["size_mb"]),
        dimension=int(row["dimension"]),
        gmacs=float(row["gmacs"]),
        languages="many" if row["languages"] == "many" else "English",
        good_for=row["good_for"],
    )


_TABLE = Path(__file__).with_name("known_models.csv").read_text(encoding="utf-8")
KNOWN_MODELS = tuple(_known_model(row) for row in csv.DictReader(_TABLE.splitlines()))
