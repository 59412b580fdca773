"""transformers' CLIPModel as a CLIP of open_clip.

The configuration says what bare weights do not: heads and activation. The defaults are those of transformers'
`CLIPTextConfig` and `CLIPVisionConfig`, which files of older releases omit.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from vifi_cli.errors import InvalidInput
from vifi_cli.model.architectures.transformers_folder.weight_names import (
    WeightNames,
    equal,
    open_clip_blocks,
    text_blocks,
)

VISION_DEFAULTS = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "image_size": 224,
    "patch_size": 32,
    "num_channels": 3,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": 1e-5,
}
TEXT_DEFAULTS = {
    "hidden_size": 512,
    "intermediate_size": 2048,
    "num_hidden_layers": 12,
    "num_attention_heads": 8,
    "max_position_embeddings": 77,
    "vocab_size": 49408,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": 1e-5,
}
PROJECTION_DEFAULT = 512
CLIP_VOCABULARY = 49408
_ARGMAX_END = 2  # older configurations have this wrong number; the end of a text is its highest token there


def clip_config(
    folder: str, dimension: int, vision: Mapping[str, Any], text: Mapping[str, Any]
) -> dict[str, Any]:
    """open_clip's `model_cfg`; InvalidInput for what open_clip does not compute."""
    activations = {part["hidden_act"] for part in (vision, text)}
    epsilons = {part["layer_norm_eps"] for part in (vision, text)}
    if not activations <= {"quick_gelu", "gelu"} or len(activations) > 1 or epsilons != {1e-5}:
        raise InvalidInput(
            f"{folder} has activations or layer norms that open_clip does not ({', '.join(sorted(activations))}; "
            f"epsilon {', '.join(map(str, sorted(epsilons)))}): vifi cannot run it"
        )
    if vision["num_channels"] != 3:
        raise ValueError(f"num_channels is {vision['num_channels']!r}")
    end = text.get("eos_token_id", CLIP_VOCABULARY - 1)
    # at a token that no text has, all texts would get the same embedding
    if not (type(end) is int and 0 <= end < text["vocab_size"]):
        raise ValueError(f"eos_token_id is {end!r}, among {text['vocab_size']} tokens")
    return {
        "embed_dim": dimension,
        "quick_gelu": activations == {"quick_gelu"},
        "vision_cfg": {
            "image_size": vision["image_size"],
            "layers": vision["num_hidden_layers"],
            "width": vision["hidden_size"],
            "head_width": vision["hidden_size"] // vision["num_attention_heads"],
            "patch_size": vision["patch_size"],
        }
        | mlp_ratio(vision),
        "text_cfg": {
            "context_length": text["max_position_embeddings"],
            "vocab_size": text["vocab_size"],
            "width": text["hidden_size"],
            "heads": text["num_attention_heads"],
            "layers": text["num_hidden_layers"],
        }
        | ({} if end in (_ARGMAX_END, text["vocab_size"] - 1) else {"pool_type": "eos", "eos_id": end})
        | mlp_ratio(text),
    }


def mlp_ratio(tower: Mapping[str, Any]) -> dict[str, float]:
    """How much wider the feed-forward part is, where that is not open_clip's 4."""
    width, inner = tower["hidden_size"], tower["intermediate_size"]
    ratio = inner / width
    if int(width * ratio) != inner:  # rounded down, as open_clip and timm do
        ratio = (inner + 0.5) / width
    return {} if ratio == 4 else {"mlp_ratio": ratio}


def clip_weights(vision_layers: int, text_layers: int) -> Iterator[WeightNames]:
    """The weights of a CLIPModel."""
    yield WeightNames(("logit_scale",), ("logit_scale",))
    yield WeightNames(("visual.class_embedding",), ("vision_model.embeddings.class_embedding",))
    yield WeightNames(("visual.conv1.weight",), ("vision_model.embeddings.patch_embedding.weight",))
    yield WeightNames(
        ("visual.positional_embedding",), ("vision_model.embeddings.position_embedding.weight",)
    )
    # transformers spells it so
    norms = {"vision_model.pre_layrnorm": "visual.ln_pre", "vision_model.post_layernorm": "visual.ln_post"}
    yield from equal(norms)
    yield from open_clip_blocks("vision_model", "visual.transformer", vision_layers)
    yield WeightNames(("visual.proj",), ("visual_projection.weight",), "transposed")
    yield from text_blocks(text_layers)
    yield WeightNames(("text_projection",), ("text_projection.weight",), "transposed")
