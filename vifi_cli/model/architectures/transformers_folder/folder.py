"""Reads models as the package transformers saves them: `config.json`, weights in one file or several, preprocessing.

CLIPModel and SiglipModel become models of open_clip, with the names and the form that weights have there, and so does
the text tower of an XCLIPModel. Code that a folder brings (`auto_map`) never runs, since only values are read.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from vifi_cli.errors import InvalidInput, ModelUnavailable
from vifi_cli.model.architectures.transformers_folder import clip, siglip, x_clip
from vifi_cli.model.architectures.transformers_folder.processor import read_json_object, read_preprocessing
from vifi_cli.model.architectures.transformers_folder.weight_names import WeightNames
from vifi_cli.model.registry.model_files import CARD_FILE, TRANSFORMERS_WEIGHTS, has_tokenizer
from vifi_cli.model.weights.weights_file import read_weights

_READ = {"clip": "CLIPModel", "siglip": "SiglipModel", "xclip": "XCLIPModel"}
_READ_IN_WORDS = (
    "vifi reads CLIPModel and SiglipModel (CLIP, SigLIP, and SigLIP 2 with a fixed picture size), "
    "and for the index XCLIPModel"
)
_HALVES = {
    f"{kind}_{tower}_model": f"the {words} tower of a {name} alone"
    for kind, name in (("clip", "CLIP"), ("siglip", "SigLIP"), ("xclip", "X-CLIP"))
    for tower, words in (("vision", "image"), ("text", "text"))
}
_OTHERS = {
    "siglip2": "a SigLIP 2 of any picture size (NaFlex)",
    "align": "ALIGN",
    "blip": "BLIP",
    "blip-2": "BLIP-2",
    "chinese_clip": "Chinese-CLIP",
    "clipseg": "CLIPSeg",
}
# far more than any model has: a number out of place must not fill the memory
_MOST = {
    "hidden_size": 100_000,
    "intermediate_size": 1_000_000,
    "num_hidden_layers": 1_000,
    "num_attention_heads": 1_000,
    "image_size": 100_000,
    "patch_size": 1_000,
    "max_position_embeddings": 100_000,
    "vocab_size": 10_000_000,
    "projection_dim": 100_000,
    "num_frames": 1_000,
    "mit_hidden_size": 100_000,
    "mit_intermediate_size": 1_000_000,
    "mit_num_hidden_layers": 1_000,
    "mit_num_attention_heads": 1_000,
}
_POSITION_IDS = ".position_ids"  # which older releases saved


@dataclass(frozen=True, slots=True)
class TransformersModel:
    """How open_clip runs a model of transformers."""

    config: Mapping[str, Any]  # open_clip's `model_cfg`
    preprocessing: Mapping[str, Any]  # what differs from OpenAI's CLIP
    remark: str  # a sentence, where vifi prepares pictures differently; or empty


def read_transformers_model(path: Path) -> TransformersModel:
    """Describe the model of a folder, or of a file of weights with its configuration beside it.

    Raises InvalidInput if it is none of the models that vifi reads, or its files make
    no sense.
    """
    folder = folder_of(path)
    content = _configuration(folder)
    is_siglip = content["model_type"] == "siglip"
    try:
        vision, text = _towers(content)
        size = vision["image_size"]
        if is_siglip:
            config = siglip.siglip_config(str(folder), vision, text)
        else:
            dimension = _count("projection_dim", content.get("projection_dim", clip.PROJECTION_DEFAULT))
            config = clip.clip_config(str(folder), dimension, vision, text)
        if content["model_type"] == "xclip":
            config = x_clip.x_clip_config(config, vision)
    except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError) as error:
        raise InvalidInput(
            f"{folder / CARD_FILE} is not a configuration of transformers' {_READ[content['model_type']]} ({error})"
        ) from error
    pictures = read_preprocessing(folder, size, squashes=is_siglip)
    if not has_tokenizer(folder) and (is_siglip or text["vocab_size"] != clip.CLIP_VOCABULARY):
        raise InvalidInput(
            f"{folder} has another tokenizer than CLIP ({text['vocab_size']} tokens), but no tokenizer.json: "
            "copy the tokenizer's files into it"
        )
    remarks = filter(None, (pictures.remark, x_clip.REMARK if "x_clip" in config["vision_cfg"] else ""))
    return TransformersModel(config, pictures.values, "; ".join(remarks))


def folder_of(path: Path) -> Path:
    """The folder of a model that is named by its folder or by its file of weights."""
    return path if path.is_dir() else path.parent


def _configuration(folder: Path) -> dict[str, Any]:
    """The content of `config.json` of a model that vifi reads; InvalidInput names what another one is."""
    content = read_json_object(folder / CARD_FILE)
    kind = str(content.get("model_type"))
    if kind in _HALVES:
        raise InvalidInput(
            f"{folder} holds {_HALVES[kind]}, and a search needs both towers: save the complete model"
        )
    if kind not in _READ:
        raise InvalidInput(
            f"{folder} holds {_kind_in_words(content)}, and {_READ_IN_WORDS}{_not_run(content)}"
        )
    if "quantization_config" in content:
        raise InvalidInput(
            f"{folder} holds quantized weights, which vifi does not read: take the model's original"
        )
    classes = content.get("architectures")
    if isinstance(classes, list) and classes and _READ[kind] not in classes:
        raise InvalidInput(f"{folder} holds a {classes[0]}, and {_READ_IN_WORDS}{_not_run(content)}")
    return content


def _kind_in_words(content: Mapping[str, Any]) -> str:
    kind = content.get("model_type")
    known = _OTHERS.get(kind) if isinstance(kind, str) else None
    return f"{known or 'a model of transformers'} (model_type {kind!r})"


def _not_run(content: Mapping[str, Any]) -> str:
    return "; it never runs the code that a folder brings (auto_map)" if content.get("auto_map") else ""


def _towers(content: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings of the image and the text tower, with the defaults of transformers."""
    kind = siglip if content["model_type"] == "siglip" else clip
    clips = x_clip.CLIP_DEFAULTS if content["model_type"] == "xclip" else {}
    vision = kind.VISION_DEFAULTS | clips | _part(content, "vision_config")
    for name in ("image_size", "patch_size"):
        vision[name] = _one_number(name, vision[name])
    text = kind.TEXT_DEFAULTS | _part(content, "text_config")
    for tower in (vision, text):
        for name in kind.VISION_DEFAULTS.keys() | kind.TEXT_DEFAULTS.keys() | clips.keys():
            if name in _MOST and name in tower:
                _count(name, tower[name])
        if not (isinstance(tower["hidden_act"], str) and isinstance(tower["layer_norm_eps"], float)):
            raise ValueError(
                f"hidden_act is {tower['hidden_act']!r} and layer_norm_eps {tower['layer_norm_eps']!r}"
            )
        if tower["hidden_size"] % tower["num_attention_heads"]:
            raise ValueError(f"{tower['num_attention_heads']} heads do not divide {tower['hidden_size']}")
    return vision, text


def _part(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The settings of a tower; older files have them a second time, under another name, which counts."""
    parts = [content.get(key) or {} for key in (name, f"{name}_dict")]
    if not all(isinstance(part, dict) for part in parts):
        raise ValueError(f"{name} is not an object")
    return parts[0] | parts[1]


def _one_number(name: str, value: Any) -> Any:
    if not (isinstance(value, list) and value):
        return value
    if any(side != value[0] for side in value):
        raise ValueError(f"{name} is not square")
    return value[0]


def _count(name: str, value: object) -> int:
    """A number of a configuration, if it makes sense."""
    if not (type(value) is int and 0 < value <= _MOST[name]):
        raise ValueError(f"{name} is {repr(value)[:40]}")
    return value


def read_transformers_weights(path: Path, wanted: Callable[[str], bool]) -> dict[str, Tensor]:
    """The weights whose names in open_clip are `wanted`, from one file or from the parts that an index lists.

    Raises ModelUnavailable if a file is missing or damaged. A weight that such a model does not have keeps its name.
    """
    names = tuple(transformers_weights(folder_of(path)))
    ours = {theirs: each.ours for each in names for theirs in each.theirs}
    found: dict[str, Tensor] = {}
    for file in weight_files(path):
        found |= read_weights(
            file,
            lambda name: _is_used(name) and any(map(wanted, ours.get(name, (name,)))),
            or_none=True,
        )
    weights = {name: tensor for name, tensor in found.items() if name not in ours}
    for each in names:
        weights |= {name: tensor for name, tensor in each.to_ours(found).items() if wanted(name)}
    return weights


def _is_used(name: str) -> bool:
    return not name.endswith(_POSITION_IDS) and not name.startswith(x_clip.LEFT_OUT)


def transformers_weights(folder: Path) -> Iterator[WeightNames]:
    """The weights of a model by its configuration, under the names of both packages."""
    content = _configuration(folder)
    vision, text = _towers(content)
    layers = vision["num_hidden_layers"], text["num_hidden_layers"]
    if content["model_type"] == "xclip":
        return x_clip.x_clip_weights(*layers, vision["mit_num_hidden_layers"])
    return (clip.clip_weights if content["model_type"] == "clip" else siglip.siglip_weights)(*layers)


def weight_files(path: Path) -> Iterable[Path]:
    """The file of weights, or the parts of it; ModelUnavailable if one is missing."""
    whole = _index_or_file(path)
    if whole.suffix != ".json":
        return [whole]
    parts = read_json_object(whole).get("weight_map")
    names = sorted({str(name) for name in parts.values()}) if isinstance(parts, dict) else []
    folder = folder_of(path)
    missing = [name for name in names if not (folder / Path(name).name).is_file()]
    if not names:
        raise ModelUnavailable(f"{whole} lists no files of weights: copy the complete folder")
    if missing:
        raise ModelUnavailable(f"{whole} lists {missing[0]}, which is not beside it: fetch that too")
    return [folder / Path(name).name for name in names]


def _index_or_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    whole = next((path / name for name in TRANSFORMERS_WEIGHTS if (path / name).is_file()), None)
    if whole is None:
        raise ModelUnavailable(
            f"{path} holds no weights ({TRANSFORMERS_WEIGHTS[0]}): copy the complete folder"
        )
    return whole
