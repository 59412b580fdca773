"""What `--model` accepts, resolved once into a value that says where a model comes from."""

import difflib
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

from vifi_cli.errors import InvalidInput
from vifi_cli.model.registry.known_models import KNOWN_MODELS, STARTER, find_known_model
from vifi_cli.model.registry.model_files import (
    CARD_FILE,
    OPEN_CLIP_CONFIGURATION,
    TENSOR_FILES,
    TRANSFORMERS_WEIGHTS,
    WEIGHT_SUFFIXES,
    is_model_folder,
    is_transformers_file,
    is_transformers_folder,
    is_weights_name,
    names_a_transformers_model,
)
from vifi_cli.model.registry.near_models import near_model
from vifi_cli.model.torchvision_operators import declare_missing_operators
from vifi_cli.model.weights.foreign_files import format_in_words
from vifi_cli.paths import given_path, is_given_file, is_given_folder

if TYPE_CHECKING:
    from vifi_cli.model.registry.card import BaseReference, ModelCard

FOLDER_PREFIX = "local-dir:"
Activation = Literal["gelu", "quickgelu"]
_PART = re.compile(r"-\d{5}-of-(\d{5})\.")


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where a model comes from; `resolve_model` makes it from a name, and everything else takes it.

    The kinds: `starter`; `pretrained`, an architecture and a tag of open_clip; `folder`, with `open_clip_config.json`;
    `vifi`, a model folder of vifi's; `transformers`, a folder of a CLIPModel or SiglipModel of that package, or the
    file of its weights; `file`, weights alone.
    """

    name: str  # resolves to this source again; paths are absolute
    kind: Literal["starter", "pretrained", "folder", "vifi", "transformers", "file"]
    architecture: str = ""  # of a `pretrained`, and of a `file` where the user named it
    tag: str = ""
    path: Path | None = None  # of a folder or file
    activation: Activation | None = None  # of a `file`, where the user named it; weights do not show it
    card: "ModelCard | None" = field(default=None, repr=False, hash=False)  # of a `vifi` model
    base: "ModelSource | None" = None  # the model that a `vifi` model holds changes of

    @property
    def of_weights(self) -> "ModelSource":
        """Where the towers' weights come from: the base of a model that holds changes, otherwise this source."""
        return self.base or self

    @property
    def label(self) -> str:
        """A short name for people: that of its folder or file, for `best` and `last` with the run's."""
        if self.path is None:
            return self.name.replace("/", "-")
        run = f"{self.path.parent.name}-" if self.path.name in ("best", "last") else ""
        return f"{run}{self.path.name}"


def resolve_model(name: str) -> ModelSource:
    """Find out what a model's name means.

    A name is one of `known_models.csv`; `ARCH/TAG` of open_clip; a folder that holds `open_clip_config.json`, with or
    without `local-dir:`; a model folder of vifi; a folder of transformers' CLIPModel or SiglipModel, or the file of
    weights in it; or a file of weights (.safetensors, .pt, .pth, .bin, .ckpt) in the naming of OpenAI's CLIP, to which
    `#gelu`, `#quickgelu` or the name of an architecture can be appended, since weights do not show everything.

    Raises:
        InvalidInput: no such model (the text names the nearest ones), a model folder's configuration makes no sense, or
            the base of a model that holds changes is missing.
    """
    source = _with_card(_find(name))
    if source.path and source.card and source.card.base:
        return replace(source, base=_find_base(source.path, source.card, source.card.base))
    return source


def _find(name: str) -> ModelSource:
    if name == STARTER:
        return ModelSource(name, "starter")
    if known := find_known_model(name):
        return ModelSource(name, "pretrained", known.architecture, known.tag)
    return _local(name) or _of_open_clip(name)


def _with_card(source: ModelSource) -> ModelSource:
    if source.kind != "vifi" or source.path is None:
        return source
    # cards need numpy, and the table of known models is read without it
    from vifi_cli.model.registry.card import read_card

    return replace(source, card=read_card(source.path))


def _find_base(folder: Path, card: "ModelCard", base: "BaseReference") -> ModelSource:
    inside = folder / base.model
    try:
        found = _find(str(inside) if inside.exists() else base.model)
    except InvalidInput as error:
        raise InvalidInput(
            f"{folder} holds {card.changes} for {base}, but vifi finds no such model at {inside}: bring it back there"
        ) from error
    source = _with_card(found)
    if source.card and source.card.base:
        raise InvalidInput(
            f"{folder} names {source.name} as its base, which is made of {source.card.changes} itself: "
            f"{card.changes} need a model with its own weights"
        )
    return source


def _local(name: str) -> ModelSource | None:
    text, named = name.removeprefix(FOLDER_PREFIX), ""
    path = given_path(text)
    if "#" in text and not (is_given_file(path) or is_given_folder(path)):
        text, _, named = text.rpartition("#")
        path = given_path(text)
    if is_given_folder(path):
        return _folder(path)
    if is_given_file(path):
        if not named and is_transformers_file(path):
            return ModelSource(str(path), "transformers", path=path)
        return _weights_file(path, named)
    if name.startswith((FOLDER_PREFIX, ".", "~", "/")) or is_weights_name(path):
        near = near_model(path)
        raise InvalidInput(
            f"no model at {path}{_beside(path) or (f'; did you mean {near}?' if near else '')}"
        )
    if hint := _beside(path):
        raise InvalidInput(f"no model at {path}{hint}")
    return None


def _beside(path: Path) -> str:
    """A hint at the model that an unfinished run has instead of the one that is asked for."""
    last = path.with_name("last")
    if path.name == "best" and is_model_folder(last):
        return f"; did you mean {last}?"
    return ""


def _folder(path: Path) -> ModelSource:
    if (path / OPEN_CLIP_CONFIGURATION).is_file():
        return ModelSource(str(path), "folder", path=path)
    if is_model_folder(path):
        return ModelSource(str(path), "vifi", path=path)
    if is_transformers_folder(path):
        return ModelSource(str(path), "transformers", path=path)
    if snapshot := _snapshot(path):
        return _folder(snapshot)
    if names_a_transformers_model(path):
        raise InvalidInput(
            f"{path} holds the configuration of a model of transformers, but no weights "
            f"({TRANSFORMERS_WEIGHTS[0]}): copy the complete folder"
        )
    if any(_PART.search(file.name) for file in path.iterdir()):
        raise InvalidInput(f"{path} holds the files of a model, but not its config.json: fetch that too")
    models = (path / name for name in ("best", "last") if is_model_folder(path / name))
    inside = next(models, None) or next(filter(is_weights_name, sorted(path.iterdir())), None)
    hint = f"; did you mean {inside}?" if inside else ""
    raise InvalidInput(
        f"{path} is not a model folder: it holds neither {OPEN_CLIP_CONFIGURATION} "
        f"nor {CARD_FILE} and {', '.join(TENSOR_FILES[:-1])} or {TENSOR_FILES[-1]}{hint}"
    )


def _snapshot(path: Path) -> Path | None:
    """The files of a repository in the cache of the hub (`models--org--name`): its main branch's, or the only ones."""
    snapshots = path if path.name == "snapshots" else path / "snapshots"
    if not is_given_folder(snapshots):
        return None
    found = sorted(folder for folder in snapshots.iterdir() if folder.is_dir())
    reference = snapshots.parent / "refs" / "main"
    main = reference.read_text(errors="replace").strip() if reference.is_file() else ""
    if current := next((folder for folder in found if folder.name == main), None):
        return current
    if len(found) > 1:
        raise InvalidInput(f"{path} holds several snapshots of a model: name one of them, such as {found[0]}")
    return found[0] if found else None


def _weights_file(path: Path, named: str) -> ModelSource:
    """A file of weights; after `#` comes what the weights do not show: their GELU, or their architecture."""
    _check_is_weights(path)
    if named in get_args(Activation):
        return ModelSource(f"{path}#{named}", "file", path=path, activation=cast(Activation, named))
    if not named:
        return ModelSource(str(path), "file", path=path)
    declare_missing_operators()
    import open_clip

    if open_clip.get_model_config(named) is None:
        near = difflib.get_close_matches(named, open_clip.list_models(), n=3, cutoff=0.5)
        raise InvalidInput(
            f"after the # of {path} comes gelu, quickgelu or an architecture of open_clip, not {named!r}"
            + (f"; did you mean {', '.join(near)}?" if near else "")
        )
    return ModelSource(f"{path}#{named}", "file", named, path=path)


def _check_is_weights(path: Path) -> None:
    if path.name.endswith(".index.json"):
        raise InvalidInput(f"{path} lists the files of a model: name their folder, {path.parent}")
    if part := _PART.search(path.name):
        raise InvalidInput(
            f"{path} is one of {int(part[1])} files of a model: name their folder, {path.parent}"
        )
    if not is_weights_name(path):
        found = format_in_words(path)
        raise InvalidInput(
            f"{path} is {found}"
            if found
            else f"{path} is not a weights file: those end in {', '.join(WEIGHT_SUFFIXES)}"
        )


def _of_open_clip(name: str) -> ModelSource:
    """Search open_clip's own architectures and tags, which takes its import."""
    declare_missing_operators()
    import open_clip

    architecture, _, tag = name.rpartition("/")
    if not open_clip.get_pretrained_cfg(architecture, tag):
        raise InvalidInput(
            _unknown(name, [f"{known}/{its_tag}" for known, its_tag in open_clip.list_pretrained()])
        )
    # Weights trained with quick GELU give wrong embeddings with plain GELU, and the other way round.
    quick = open_clip.get_pretrained_cfg(architecture, tag).get("quick_gelu", False)
    if quick != open_clip.get_model_config(architecture).get("quick_gelu", False):
        twin = architecture.removesuffix("-quickgelu") + ("-quickgelu" if quick else "")
        if not open_clip.get_pretrained_cfg(twin, tag):
            raise InvalidInput(
                f"{name} would run its weights with the wrong activation; see `vifi model list`"
            )
        architecture = twin
    return ModelSource(f"{architecture}/{tag}", "pretrained", architecture, tag)


def _unknown(name: str, pretrained: list[str]) -> str:
    known = [model.name for model in KNOWN_MODELS]
    folder = near_model(given_path(name))
    near = [str(folder)] if folder else []
    near += difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    near += difflib.get_close_matches(name, pretrained, n=3, cutoff=0.7)
    meant = f"did you mean {', '.join(near[:3])}? " if near else ""
    return f"no model {name!r}; {meant}`vifi model list` shows the choices"
