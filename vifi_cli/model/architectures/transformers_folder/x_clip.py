"""transformers' XCLIPModel: a CLIP whose image tower sees a clip at once.

Ni et al., Expanding Language-Image Pretrained Models for General Video Recognition, ECCV 2022. The text tower is
CLIP's. The prompt generator, which changes a text for each video that it is compared with, is left out: an index
compares one query with all videos.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from vifi_cli.model.architectures.transformers_folder.clip import clip_weights
from vifi_cli.model.architectures.transformers_folder.weight_names import WeightNames, equal

CLIP_DEFAULTS = {
    "num_frames": 8,
    "mit_hidden_size": 512,
    "mit_intermediate_size": 2048,
    "mit_num_hidden_layers": 1,
    "mit_num_attention_heads": 8,
}
"""What transformers assumes about the clips of an XCLIPVisionConfig."""

LEFT_OUT = "prompts_"
"""What the names of the prompt generator's weights begin with."""

REMARK = "X-CLIP's video-specific prompts are left out: a query has the same embedding for every video"


def x_clip_config(clip: Mapping[str, Any], vision: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of the CLIP, with what joins the frames of a clip; ValueError where it makes no sense."""
    if vision["mit_hidden_size"] != clip["embed_dim"]:
        raise ValueError(
            f"mit_hidden_size is {vision['mit_hidden_size']}, and projection_dim {clip['embed_dim']}"
        )
    if vision["mit_hidden_size"] % vision["mit_num_attention_heads"]:
        raise ValueError(
            f"{vision['mit_num_attention_heads']} heads do not divide {vision['mit_hidden_size']}"
        )
    frames = {name: vision[name] for name in CLIP_DEFAULTS}
    blocks = {"intermediate_size": vision["intermediate_size"], "heads": vision["num_attention_heads"]}
    return {**clip, "vision_cfg": {**clip["vision_cfg"], "x_clip": frames | blocks}}


def x_clip_weights(vision_layers: int, text_layers: int, mit_layers: int) -> Iterator[WeightNames]:
    """The weights of an XCLIPModel that an index needs; those of the image tower keep their names."""
    for names in clip_weights(0, text_layers):
        if not names.ours[0].startswith("visual."):
            yield names
    embeddings = "vision_model.embeddings"
    alone = (
        f"{embeddings}.class_embedding",
        f"{embeddings}.patch_embedding.weight",
        f"{embeddings}.position_embedding.weight",
        "visual_projection.weight",
        "mit.position_embedding",
    )
    yield from (WeightNames((f"visual.{name}",), (name,)) for name in alone)
    modules = ["vision_model.pre_layernorm", "vision_model.post_layernorm"]
    for layer in range(vision_layers):
        block = f"vision_model.encoder.layers.{layer}"
        modules += [
            *_block(block),
            f"{block}.message_fc",
            f"{block}.message_ln",
            *_attention(f"{block}.message_attn"),
        ]
    for layer in range(mit_layers):
        modules += _block(f"mit.encoder.layers.{layer}")
    yield from equal({name: f"visual.{name}" for name in modules})


def _block(name: str) -> list[str]:
    parts = ("layer_norm1", "layer_norm2", "mlp.fc1", "mlp.fc2")
    return [*(f"{name}.{part}" for part in parts), *_attention(f"{name}.self_attn")]


def _attention(name: str) -> list[str]:
    return [f"{name}.{part}_proj" for part in ("q", "k", "v", "out")]
