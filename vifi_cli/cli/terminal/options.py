"""Options that several commands share, so that one flag means one thing everywhere."""

from enum import StrEnum
from typing import Annotated

import typer


class Device(StrEnum):
    """Where an encoder runs."""

    auto = "auto"
    cuda = "cuda"
    mps = "mps"
    cpu = "cpu"


class Tune(StrEnum):
    """The towers that are trained."""

    both = "both"
    image = "image"
    text = "text"


class Fusion(StrEnum):
    """What is averaged over the frames of a clip."""

    embedding = "embedding"
    decision = "decision"
    image = "image"


class Protocol(StrEnum):
    """How closely the published code is followed."""

    default = "default"
    paper = "paper"


DeviceOption = Annotated[
    Device, typer.Option("--device", help="Where the encoder runs; auto takes a GPU if there is one.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON document to stdout.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
