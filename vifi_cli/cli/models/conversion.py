"""`vifi model import` and `vifi model export`: published checkpoints in, open_clip folders out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli.cli.models.download import fetch_model
from vifi_cli.cli.models.facts import card_document, card_facts
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.options import JsonOption
from vifi_cli.paths import given_path

if TYPE_CHECKING:
    from vifi_cli.model.folders.checkpoint_import import ImportedCheckpoint

OutputOption = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="FOLDER", help="The folder to make; it must be new or empty."),
]


def import_model(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            metavar="CHECKPOINT",
            help="A .pth file as the published ViFi-CLIP code saves it, or its weights alone.",
            show_default=False,
        ),
    ],
    folder: OutputOption,
    base: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="The CLIP it was trained from: a model's name, a folder, or weights in OpenAI's naming; "
            "clip-vit-b-16 unless said.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a model folder of a checkpoint that the published ViFi-CLIP code saved.

    Of a checkpoint with learned prompts the folder holds the prompts, and base/ inside it the CLIP below them.

    Nothing in the checkpoint is run: it is read as weights and plain values, and refused if it names anything else.
    """
    from vifi_cli.errors import InvalidInput
    from vifi_cli.model.folders.checkpoint_import import import_checkpoint, write_imported
    from vifi_cli.model.folders.writing import new_folder
    from vifi_cli.model.registry.known_models import DEFAULT_MODEL

    checkpoint, folder, base = given_path(checkpoint), given_path(folder), base or DEFAULT_MODEL
    if not checkpoint.is_file():
        raise InvalidInput(f"there is no checkpoint at {checkpoint}")
    with new_folder(folder) as temporary:
        base_source = fetch_model(base)
        with output.busy(f"Reading {checkpoint.name}"):
            imported = import_checkpoint(checkpoint, base_source)
        write_imported(temporary, imported)
    for remark in imported.remarks:
        output.warning(remark)
    _show(imported, folder, as_json)


def _show(imported: ImportedCheckpoint, folder: Path, as_json: bool) -> None:
    card = imported.model.card
    if as_json:
        recognised = {"folder": str(folder), "backbone": imported.looks_like}
        output.document({**recognised, **card_document(card), "remarks": imported.remarks})
        return
    output.facts(
        [
            ("Recognised", imported.looks_like),
            *((name.capitalize(), fact) for name, fact in card_facts(card)),
            *([] if card.prompts else [("Learned prompts", "none")]),
        ]
    )
    output.note(f"written to {folder}; use it as --model {folder}")


def export_model(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A model folder, or anything else that --model takes.", show_default=False
        ),
    ],
    folder: OutputOption,
) -> None:
    """Write a model as a folder that open_clip loads by `local-dir:FOLDER`."""
    from vifi_cli.model.folders.loading import load_vifi_clip
    from vifi_cli.model.folders.open_clip_export import write_open_clip_folder
    from vifi_cli.model.folders.writing import new_folder

    folder = given_path(folder)
    with new_folder(folder) as temporary:
        source = fetch_model(model)
        with output.busy(f"Loading {model}"):
            loaded = load_vifi_clip(source)
        write_open_clip_folder(temporary, loaded)
    if loaded.card.fusion != "embedding":
        output.warning(f"open_clip cannot be told that this model fuses frames by {loaded.card.fusion}")
    output.note(f'written to {folder}; load it by open_clip.create_model("local-dir:{folder}")')
