"""Turns models into other forms: checkpoints of the published code in, folders for open_clip and transformers out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vifi_cli.api.feedback import AUTOMATIC, Feedback
from vifi_cli.api.models.weights import fetch_model, fetch_weights, note_assumptions
from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.card import ModelCard
from vifi_cli.model.registry.known_models import DEFAULT_MODEL
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.checkpoint_import import import_checkpoint, write_imported
from vifi_cli.model.storage.export.open_clip_folder import write_open_clip_folder
from vifi_cli.model.storage.export.transformers_folder import write_transformers_folder
from vifi_cli.model.storage.loading import LoadedModel, load_vifi_clip
from vifi_cli.model.storage.writing import new_model_folder
from vifi_cli.model.towers.image_tower import TIMM_OPTIONS
from vifi_cli.paths import given_path

ExportFormat = Literal["open_clip", "transformers"]


@dataclass(frozen=True, slots=True)
class ImportedModel:
    """A model folder made from a checkpoint; load it with `load_model(folder)`."""

    folder: Path
    architecture: str  # in words, inferred from the weights
    card: ModelCard
    remarks: tuple[str, ...]  # warnings, a sentence each


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """A folder that open_clip or transformers loads."""

    folder: Path
    load: str  # a line of Python that loads it
    remarks: tuple[str, ...]  # warnings, a sentence each


def import_model(
    checkpoint: Path | str,
    output: Path | str,
    base: str | Path = DEFAULT_MODEL,
    feedback: Feedback = AUTOMATIC,
) -> ImportedModel:
    """Makes a model folder from a checkpoint of the published ViFi-CLIP code.

    Nothing in the checkpoint is run: it is read as weights and plain values, and refused if it names anything else.
    For a checkpoint with learned prompts the folder holds the prompts, and `base/` inside it the CLIP below them.

    Args:
        checkpoint: a .pth file as the published code saves it, or its weights alone, also as .safetensors.
        output: the folder to make; new or empty.
        base: the CLIP that it was trained from, as for `--model`.
        feedback: receives progress.

    Raises:
        InvalidInput: the file is missing, it does not fit the base, or the folder exists.
        ModelUnavailable: a file is damaged, refused, or not a checkpoint of ViFi-CLIP, or the base is unavailable.
    """
    checkpoint, folder = given_path(Path(checkpoint)), given_path(Path(output))
    if not checkpoint.is_file():
        raise InvalidInput(f"no checkpoint at {checkpoint}")
    with new_model_folder(folder) as temporary:
        source = resolve_model(str(base))
        fetch_weights(source, feedback)
        with feedback.busy(f"Reading {checkpoint.name}"):
            imported = import_checkpoint(checkpoint, source)
        note_assumptions(source, feedback)
        write_imported(temporary, imported)
    return ImportedModel(folder, imported.looks_like, imported.model.card, imported.remarks)


def export_model(
    model: str | Path,
    output: Path | str,
    feedback: Feedback = AUTOMATIC,
    *,
    format: ExportFormat = "open_clip",
) -> ExportedModel:
    """Writes a model, named as for `--model`, to a new or empty folder that another program loads.

    Args:
        model: the model; LoRA becomes part of its weights.
        output: the folder to make.
        feedback: receives progress.
        format: `open_clip`, loaded as `local-dir:FOLDER`, or `transformers`, loaded with `from_pretrained`, tokenizer,
            processor and a README with an example included.

    Raises:
        InvalidInput: the model is unknown, the other program has no class or place for it, or the folder exists.
        ModelUnavailable: the weights are unavailable or damaged.
    """
    folder = given_path(Path(output))
    with new_model_folder(folder) as temporary:
        source = fetch_model(model, feedback)
        with feedback.busy(f"Loading {model}"):
            loaded = load_vifi_clip(source)
        if loaded.card.head and loaded.card.base:
            raise InvalidInput(
                f"{model} holds {loaded.card.changes}, for which {format} has no place: export its base, "
                f"{loaded.card.base.model}"
            )
        write = write_open_clip_folder if format == "open_clip" else write_transformers_folder
        write(temporary, loaded)
    lines = {
        "open_clip": f'open_clip.create_model("local-dir:{folder}")',
        "transformers": f'transformers.AutoModel.from_pretrained("{folder}")',
    }
    return ExportedModel(folder, lines[format], tuple(_lost(loaded, format)))


def _lost(loaded: LoadedModel, format: ExportFormat) -> Iterator[str]:
    """What another program does differently, a sentence each."""
    fusion, config = loaded.card.fusion, loaded.card.architecture
    if fusion != "embedding":
        yield f"{format} does not know that this model fuses frames by {fusion}"
    if format == "open_clip" and not isinstance(config, str) and TIMM_OPTIONS in config["vision_cfg"]:
        yield "open_clip runs this image tower with plain GELU, not its approximation, so embeddings differ a little"
