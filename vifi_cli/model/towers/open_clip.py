"""Builds the towers of an open_clip model, one at a time, from a tag, a folder or a file of weights.

Weights that are missing, damaged or of another architecture raise ModelUnavailable; towers and tokenizers that need
transformers raise MissingDependency without it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vifi_cli.errors import InvalidInput, MissingDependency, ModelUnavailable
from vifi_cli.model.architectures.released import is_of_a_tower
from vifi_cli.model.architectures.transformers_folder.folder import (
    folder_of,
    read_transformers_model,
    read_transformers_weights,
)
from vifi_cli.model.architectures.weights_alone import architecture_of_file
from vifi_cli.model.preprocessing import Preprocessing, preprocessing_from_open_clip
from vifi_cli.model.registry.card import ModelCard
from vifi_cli.model.registry.hub import cached_weights
from vifi_cli.model.registry.model_files import OPEN_CLIP_CONFIGURATION, WEIGHTS_FILE, has_tokenizer
from vifi_cli.model.registry.source import FOLDER_PREFIX, ModelSource
from vifi_cli.model.torchvision_operators import declare_missing_operators
from vifi_cli.model.towers.image_tower import build_image_tower
from vifi_cli.model.towers.tokenizers.folder_tokenizer import (
    FolderTokenizer,
    read_folder_tokenizer,
    require_known_tokens,
)
from vifi_cli.model.towers.tokenizers.short_context import accept_cut_context, context_can_be_cut, cut_context
from vifi_cli.model.towers.x_clip import XClipTower
from vifi_cli.model.weights.weights_file import read_weights


@dataclass(frozen=True, slots=True)
class OpenClipModel:
    """Everything needed to build a model, before anything is built."""

    source: ModelSource
    # open_clip's `model_cfg`: `embed_dim`, `vision_cfg`, `text_cfg`, perhaps `quick_gelu`
    config: Mapping[str, Any]
    preprocessing: Preprocessing
    weights: Path  # the file, or the folder of a `transformers` model
    assumed: str = (
        ""  # of a `file`, what its weights do not show; of `transformers`, what vifi does differently
    )

    @property
    def dimension(self) -> int:
        """D, the length of an embedding."""
        return int(self.config["embed_dim"])

    @property
    def clip_frames(self) -> int | None:
        """T, of a model whose image tower sees a clip at once (X-CLIP); None where it sees frames."""
        joined = self.config["vision_cfg"].get("x_clip")
        return joined["num_frames"] if joined else None

    @property
    def quick_gelu(self) -> bool:
        """Whether the transformers use OpenAI's approximation of GELU."""
        return bool(self.config.get("quick_gelu", False))


def describe_model(source: ModelSource) -> OpenClipModel:
    """Gather architecture and preprocessing of any source but `starter`.

    Learned prompts have architecture and crop of their base, but may normalize pixels differently.
    """
    model = _describe_weights(source.of_weights)
    if not (source.base and source.card):
        return model
    return replace(model, preprocessing=model.preprocessing.with_statistics_of(source.card.preprocessing))


def _describe_weights(source: ModelSource) -> OpenClipModel:
    declare_missing_operators()

    if source.kind == "folder" and source.path:
        return _of_folder(source, source.path)
    if source.card and source.path:
        return _of_card(source, source.path, source.card)
    if source.kind == "file" and source.path:
        found = architecture_of_file(source)
        preprocessing = _preprocessing(found.config, found.preprocessing)
        return OpenClipModel(source, found.config, preprocessing, source.path, found.assumed)
    if source.kind == "transformers" and source.path:
        saved = read_transformers_model(source.path)
        preprocessing = _preprocessing(saved.config, saved.preprocessing)
        return OpenClipModel(source, saved.config, preprocessing, source.path, saved.remark)
    weights = cached_weights(source)
    if weights is None:
        raise ModelUnavailable(
            f"the weights of {source.name} are not here: fetch them with `vifi model pull`"
        )
    return _of_tag(source, weights)


def describe_texts(source: ModelSource) -> OpenClipModel:
    """The same for a model whose texts are only tokenized, so that the weights of a tag need not be here."""
    declare_missing_operators()
    return _of_tag(source, Path()) if source.kind == "pretrained" else describe_model(source)


def _of_tag(source: ModelSource, weights: Path) -> OpenClipModel:
    import open_clip

    config = open_clip.get_model_config(source.architecture)
    tag = open_clip.get_pretrained_cfg(source.architecture, source.tag)
    return OpenClipModel(source, config, _preprocessing(config, tag), weights)


def _of_folder(source: ModelSource, folder: Path) -> OpenClipModel:
    from open_clip.factory import _find_checkpoint_in_dir

    weights = _find_checkpoint_in_dir(folder)
    if weights is None:
        raise ModelUnavailable(f"{folder} holds no weights (open_clip_model.safetensors)")
    try:
        content = json.loads((folder / OPEN_CLIP_CONFIGURATION).read_text(encoding="utf-8"))
        config, preprocessing = content["model_cfg"], content.get("preprocess_cfg", {})
        return OpenClipModel(source, config, _preprocessing(config, preprocessing), Path(weights))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidInput(
            f"{folder / OPEN_CLIP_CONFIGURATION} is not a configuration of open_clip: {error!r}"
        ) from error


def _of_card(source: ModelSource, folder: Path, card: ModelCard) -> OpenClipModel:
    if isinstance(card.architecture, str):
        raise ValueError(f"{card.architecture} is not an architecture of open_clip")
    return OpenClipModel(source, card.architecture, card.preprocessing, folder / WEIGHTS_FILE)


def _preprocessing(config: Mapping[str, Any], overrides: Mapping[str, Any]) -> Preprocessing:
    from dataclasses import asdict

    from open_clip.transform import PreprocessCfg

    size = config["vision_cfg"].get("image_size", 224)
    return preprocessing_from_open_clip({**asdict(PreprocessCfg()), **overrides, "size": size})


def read_model_weights(
    model: OpenClipModel, wanted: Callable[[str], bool], *, or_none: bool = False
) -> dict[str, Tensor]:
    """Read those weights of a model whose names in open_clip are `wanted`."""
    if model.source.kind == "transformers":
        return read_transformers_weights(model.weights, wanted)
    return read_weights(model.weights, wanted, or_none=or_none)


def load_image_tower(model: OpenClipModel) -> nn.Module:
    """Build the image tower alone: normalized images (N, 3, H, W) to embeddings (N, D), not normalized.

    That of a model with `clip_frames` takes clips (N, T, 3, H, W).
    """
    weights = read_model_weights(model, lambda name: name.startswith("visual."))
    vision = model.config["vision_cfg"]

    def build() -> nn.Module:
        if model.clip_frames:
            return XClipTower(model.dimension, vision, QuickGELU() if model.quick_gelu else nn.GELU())
        return build_image_tower(model.dimension, vision, quick_gelu=model.quick_gelu)

    from open_clip.transformer import QuickGELU

    return _filled(
        build,
        {name.removeprefix("visual."): tensor for name, tensor in weights.items()},
        model,
    )


def load_text_tower(model: OpenClipModel) -> nn.Module:
    """Build the text tower alone: token ids (N, L) from `load_tokenizer` to embeddings (N, D), not normalized."""
    from open_clip.model import _build_text_tower

    config = {**model.config["text_cfg"], "output_tokens": False}
    if "hf_model_name" in config:
        config["hf_model_pretrained"] = False

    def build() -> nn.Module:
        try:
            tower: nn.Module = _build_text_tower(model.dimension, config, model.quick_gelu, None)
        except (ImportError, RuntimeError) as error:
            raise MissingDependency(
                f"{model.source.name} needs transformers: pip install transformers"
            ) from error
        return tower

    weights = read_model_weights(model, lambda name: not name.startswith("visual.") and is_of_a_tower(name))
    texts = {name.removeprefix("text."): tensor for name, tensor in weights.items()}
    tower = _filled(build, texts, model)
    if context_can_be_cut(config):
        accept_cut_context(tower)
    return tower


def _filled(build: Callable[[], nn.Module], weights: dict[str, Tensor], model: OpenClipModel) -> nn.Module:
    """The tower that `build` makes, with its weights; ModelUnavailable if these do not fit it."""
    # left behind by older releases of transformers
    weights.pop("transformer.embeddings.position_ids", None)
    if (
        model.source.kind == "transformers"
    ):  # whose numbers must not fill the memory before weights are compared
        with torch.device("meta"):
            _require_fit(build(), weights, model)
    tower = build()
    _require_fit(tower, weights, model)
    tower.load_state_dict(weights)
    return tower.eval()


def _require_fit(tower: nn.Module, weights: Mapping[str, Tensor], model: OpenClipModel) -> None:
    if difference := _first_difference(tower.state_dict(), weights):
        raise ModelUnavailable(
            f"{model.weights} does not fit the architecture of {model.source.name}: {difference}"
        )


def _first_difference(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> str:
    for name in (*wanted, *found):
        if name not in wanted or name not in found:
            return f"{name} is {'missing' if name in wanted else 'one weight too many'}"
        if wanted[name].shape != found[name].shape:
            here, there = (" x ".join(map(str, one[name].shape)) or "one number" for one in (found, wanted))
            return f"{name} is {here}, and should be {there}"
    return ""


@dataclass(frozen=True, slots=True, repr=False)
class ModelTokenizer:
    """A model's tokenizer: texts to token ids int64 (N, L); long texts are cut.

    L is the length of the longest text where that gives the same embeddings (`context_can_be_cut`), otherwise the full
    context.
    """

    tokenize: Callable[[list[str]], Any]
    text_config: Mapping[str, Any]
    model: str  # its name, for messages

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Token ids of texts; raises ModelUnavailable if the model has no embedding for one of them."""
        tokens = torch.as_tensor(self.tokenize(list(texts)))
        if isinstance(self.tokenize, FolderTokenizer):  # those of open_clip fit
            require_known_tokens(tokens, texts, self.text_config.get("vocab_size"), self.model)
        return cut_context(tokens, self.text_config) if context_can_be_cut(self.text_config) else tokens

    @property
    def content(self) -> str:
        """The content of the `tokenizer.json` of a model that brings its own tokenizer; empty for any other."""
        return self.tokenize.content if isinstance(self.tokenize, FolderTokenizer) else ""


def load_tokenizer(model: OpenClipModel) -> ModelTokenizer:
    """The tokenizer of a model."""
    name = model.source.name
    try:
        return ModelTokenizer(_tokenizer(model), model.config["text_cfg"], name)
    except ImportError as error:
        raise MissingDependency(f"{name} needs transformers: pip install transformers") from error
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"the tokenizer of {name} is not here: `vifi model pull {name}`") from error


def _tokenizer(model: OpenClipModel) -> Any:
    import open_clip

    source, text_config = model.source, model.config["text_cfg"]
    if source.kind == "pretrained":
        return open_clip.get_tokenizer(source.architecture)
    if source.kind == "folder":
        return open_clip.get_tokenizer(f"{FOLDER_PREFIX}{source.path}")
    context_length = text_config.get("context_length", 77)
    if source.path and has_tokenizer(folder := folder_of(source.path)):
        return read_folder_tokenizer(folder, context_length)
    options = {"context_length": context_length, **(text_config.get("tokenizer_kwargs") or {})}
    if name := text_config.get("hf_tokenizer_name"):
        return open_clip.HFTokenizer(name, tokenizer_mode=text_config.get("tokenizer_mode"), **options)
    return open_clip.SimpleTokenizer(**options) if len(options) > 1 else _clip_tokenizer(context_length)


@cache
def _clip_tokenizer(context_length: int) -> Any:
    """CLIP's own tokenizer, kept, since reading its table of merges takes longer than loading a small model."""
    import open_clip

    return open_clip.SimpleTokenizer(context_length=context_length)
