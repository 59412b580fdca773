"""`vifi model`: lists, fetches, describes, converts and merges encoders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli.cli.models.card_facts import capitalized, card_document, card_facts
from vifi_cli.cli.models.conversion import export_command, import_command
from vifi_cli.cli.models.merge import merge_command
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.help import App
from vifi_cli.cli.terminal.options import completion
from vifi_cli.cli.terminal.options.shared import DeviceOption, JsonOption
from vifi_cli.cli.terminal.progress.bars import ON_TERMINAL

if TYPE_CHECKING:
    from vifi_cli.model.registry.known_models import KnownModel

model_app = App(help="List, download, describe and convert models")
model_app.command("import")(import_command)
model_app.command("export")(export_command)
model_app.command("merge")(merge_command)

_RESIZED = {"shortest": "center crop", "squash": "squashed", "longest": "padded"}

NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        autocompletion=completion.models,
        help="A name from `vifi model list`, ARCHITECTURE/TAG of open_clip, a model folder or a weights file",
    ),
]


@model_app.command("list")
def list_models(as_json: JsonOption = False) -> None:
    """List the models known by name, with size, license, speed and purpose."""
    from vifi_cli.model.registry.hub import is_cached
    from vifi_cli.model.registry.known_models import DEFAULT_MODEL, KNOWN_MODELS
    from vifi_cli.model.registry.source import resolve_model

    known = [(model, is_cached(resolve_model(model.name))) for model in KNOWN_MODELS]
    if as_json:
        output.document([_as_document(model, is_here) for model, is_here in known])
        return
    rows = [
        (
            model.name,
            "yes" if is_here else "no",
            str(model.size_mb),
            str(model.dimension),
            model.speed,
            model.license,
            model.good_for,
        )
        for model, is_here in known
    ]
    headings = ("Model", "Here", "MB", "Numbers", "Speed", "License", "Good for")
    output.rows(headings, rows, right=("MB", "Numbers"))
    output.note(
        f"{DEFAULT_MODEL} is the default. Any ARCHITECTURE/TAG of open_clip, a folder with open_clip_config.json "
        "or a weights file works too."
    )


@model_app.command()
def pull(model: NameArgument) -> None:
    """Download a model's weights now, to use it offline later."""
    from vifi_cli.api.models.weights import fetch_model

    fetch_model(model, ON_TERMINAL)
    output.note(f"{model} is on this machine")


@model_app.command()
def show(model: NameArgument, device: DeviceOption = "auto", as_json: JsonOption = False) -> None:
    """Load a model, and show its parts and how it runs."""
    from vifi_cli.api.models.weights import fetch_model
    from vifi_cli.model.runtime.encoder import load_encoder

    source = fetch_model(model, ON_TERMINAL)
    encoder = load_encoder(source, device)
    geometry = encoder.geometry
    facts = {
        "model": encoder.model_name,
        "dimension": encoder.dimension,
        "picture": f"{geometry.height} x {geometry.width}, {_RESIZED[geometry.resize]}, {geometry.interpolation}",
        "frames run by": encoder.description,
        "texts run by": encoder.text.description,
        "vision fingerprint": encoder.vision_fingerprint,
        "text fingerprint": encoder.text_fingerprint,
    }
    card = source.card
    if as_json:
        document = {name.replace(" ", "_"): value for name, value in facts.items()}
        output.document(document | (card_document(card) if card else {}))
    else:
        own = [(capitalized(name), str(value)) for name, value in facts.items()]
        output.facts([*own, *(card_facts(card) if card else [])])


def _as_document(model: KnownModel, is_here: bool) -> dict[str, object]:
    return {
        "name": model.name,
        "architecture": model.architecture,
        "tag": model.tag,
        "licence": model.license,
        "size_mb": model.size_mb,
        "dimension": model.dimension,
        "speed": model.speed,
        "good_for": model.good_for,
        "is_here": is_here,
    }
