"""transformers' SiglipModel as a SigLIP of open_clip, whose image tower is timm's.

That covers SigLIP and the checkpoints of SigLIP 2 with a fixed picture size, which are of the type `siglip` too. The
defaults are those of `SiglipTextConfig` and `SiglipVisionConfig`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from vifi_cli.errors import InvalidInput
from vifi_cli.model.architectures.transformers_folder.clip import mlp_ratio
from vifi_cli.model.architectures.transformers_folder.weight_names import (
    WeightNames,
    equal,
    stacked_attention,
    text_blocks,
)

VISION_DEFAULTS = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "image_size": 224,
    "patch_size": 16,
    "num_channels": 3,
    "hidden_act": "gelu_pytorch_tanh",
    "layer_norm_eps": 1e-6,
    "vision_use_head": True,
}
TEXT_DEFAULTS = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "max_position_embeddings": 64,
    "vocab_size": 32000,
    "hidden_act": "gelu_pytorch_tanh",
    "layer_norm_eps": 1e-6,
    "projection_size": None,
}
TIMM_BASE = "vit_base_patch16_siglip_224"  # of which the others differ in numbers alone
_ACTIVATION = "gelu_pytorch_tanh"
_INITIAL_BIAS = -10


def siglip_config(folder: str, vision: Mapping[str, Any], text: Mapping[str, Any]) -> dict[str, Any]:
    """open_clip's `model_cfg`, with what differs from timm's base model in `timm_model_kwargs`.

    timm's SigLIPs have plain GELU where the published ones, and transformers', have its approximation by tanh. Raises
    InvalidInput for what open_clip does not compute.
    """
    found = {(part["hidden_act"], part["layer_norm_eps"]) for part in (vision, text)}
    if found != {(_ACTIVATION, 1e-6)} or not vision["vision_use_head"] or vision["num_channels"] != 3:
        raise InvalidInput(
            f"{folder} differs from the published SigLIPs in its activations, layer norms, colors or pooling "
            f"({', '.join(f'{act}, epsilon {epsilon}' for act, epsilon in sorted(found))}): vifi cannot run it"
        )
    width = vision["hidden_size"]
    projection = text["projection_size"] or text["hidden_size"]
    if projection != width:
        raise InvalidInput(
            f"{folder} embeds images in {width} dimensions and texts in {projection}: correct it"
        )
    return {
        "embed_dim": width,
        "init_logit_bias": _INITIAL_BIAS,
        "custom_text": True,
        "vision_cfg": {
            "image_size": vision["image_size"],
            "timm_model_name": TIMM_BASE,
            "timm_model_pretrained": False,
            "timm_pool": "map",
            "timm_proj": "none",
            "timm_model_kwargs": _timm_options(vision),
        },
        "text_cfg": {
            "context_length": text["max_position_embeddings"],
            "vocab_size": text["vocab_size"],
            "width": text["hidden_size"],
            "heads": text["num_attention_heads"],
            "layers": text["num_hidden_layers"],
            "no_causal_mask": True,
            "proj_bias": True,
            "pool_type": "last",
            "norm_kwargs": {"eps": 1e-6},
            "act_kwargs": {"approximate": "tanh"},
        }
        | mlp_ratio(text),
    }


def _timm_options(vision: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "img_size": vision["image_size"],
        "patch_size": vision["patch_size"],
        "embed_dim": vision["hidden_size"],
        "depth": vision["num_hidden_layers"],
        "num_heads": vision["num_attention_heads"],
        "act_layer": "gelu_tanh",
    } | mlp_ratio(vision)


def siglip_weights(vision_layers: int, text_layers: int) -> Iterator[WeightNames]:
    """The weights of a SiglipModel."""
    yield WeightNames(("logit_scale",), ("logit_scale",))
    yield WeightNames(("logit_bias",), ("logit_bias",))
    trunk, pooling, head = "visual.trunk", "visual.trunk.attn_pool", "vision_model.head"
    yield WeightNames(
        (f"{trunk}.pos_embed",), ("vision_model.embeddings.position_embedding.weight",), "batched"
    )
    yield WeightNames((f"{pooling}.latent",), (f"{head}.probe",))
    for kind in ("weight", "bias"):
        attention = (f"{head}.attention.in_proj_{kind}",)
        yield WeightNames((f"{pooling}.q.{kind}", f"{pooling}.kv.{kind}"), attention, "stacked")
    yield from equal(
        {
            "vision_model.embeddings.patch_embedding": f"{trunk}.patch_embed.proj",
            "vision_model.post_layernorm": f"{trunk}.norm",
            f"{head}.attention.out_proj": f"{pooling}.proj",
            f"{head}.layernorm": f"{pooling}.norm",
            f"{head}.mlp.fc1": f"{pooling}.mlp.fc1",
            f"{head}.mlp.fc2": f"{pooling}.mlp.fc2",
            "text_model.head": "text_projection",
        }
    )
    for layer in range(vision_layers):
        there, here = f"vision_model.encoder.layers.{layer}", f"{trunk}.blocks.{layer}"
        yield from equal(
            {
                f"{there}.layer_norm1": f"{here}.norm1",
                f"{there}.layer_norm2": f"{here}.norm2",
                f"{there}.self_attn.out_proj": f"{here}.attn.proj",
                f"{there}.mlp.fc1": f"{here}.mlp.fc1",
                f"{there}.mlp.fc2": f"{here}.mlp.fc2",
            }
        )
        yield from stacked_attention(f"{there}.self_attn", f"{here}.attn.qkv")
    yield from text_blocks(text_layers)
