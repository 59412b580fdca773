"""`vifi model import` and `vifi model export`: published checkpoints in, folders for other programs out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from vifi_cli.cli.models.card_facts import card_document, card_facts
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.options import completion
from vifi_cli.cli.terminal.options.shared import JsonOption, output_option
from vifi_cli.cli.terminal.progress.bars import ON_TERMINAL, load_torch
from vifi_cli.wording import as_argument

OutputOption = Annotated[Path, output_option("Folder to make; new or empty", metavar="FOLDER")]


def import_command(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            metavar="CHECKPOINT",
            help="A .pth file as the published ViFi-CLIP code saves it, or its weights alone",
        ),
    ],
    folder: OutputOption,
    base: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            autocompletion=completion.models,
            help="The CLIP it was trained from: a name, a folder or a weights file",
            show_default="clip-vit-b-16",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a model folder from a checkpoint of the published ViFi-CLIP code.

    For a checkpoint with learned prompts the folder holds the prompts, and base/ inside it the CLIP below them.

    Nothing in the checkpoint is run: it is read as weights and plain values, and refused if it names anything else.
    """
    load_torch()
    from vifi_cli.api.models.conversion import import_model
    from vifi_cli.model.registry.known_models import DEFAULT_MODEL

    imported = import_model(checkpoint, folder, base or DEFAULT_MODEL, ON_TERMINAL)
    for remark in imported.remarks:
        output.warning(remark)
    card = imported.card
    if as_json:
        found = {"folder": str(imported.folder), "backbone": imported.architecture}
        output.document({**found, **card_document(card), "remarks": imported.remarks})
        return
    prompts = [] if card.prompts else [("Learned prompts", "none")]
    output.facts([("Recognized", imported.architecture), *card_facts(card), *prompts])
    output.note(f"written to {imported.folder}; use it as --model {as_argument(imported.folder)}")


def export_command(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            autocompletion=completion.models,
            help="A model folder, or anything else that --model takes",
        ),
    ],
    folder: OutputOption,
    form: Annotated[
        Literal["open_clip", "transformers"],
        typer.Option("--format", help="The program that will load the folder"),
    ] = "open_clip",
) -> None:
    """Write a model as a folder that open_clip or transformers loads.

    For transformers, weights, tokenizer and processor are written, and a README that shows how to embed a video.
    """
    load_torch()
    from vifi_cli.api.models.conversion import export_model

    exported = export_model(model, folder, ON_TERMINAL, format=form)
    for remark in exported.remarks:
        output.warning(remark)
    output.note(f"written to {exported.folder}; load it with {exported.load}")
