"""Loads `starter` for the index, by ONNX Runtime where that is faster."""

from pathlib import Path

from vifi_cli.model.encoder import TextEncoder, ViFiEncoder
from vifi_cli.model.fingerprint import fingerprint_of_files
from vifi_cli.model.packaged_weights import IMAGE_WEIGHTS, TEXT_TOKENIZER, TEXT_WEIGHTS

STARTER = "starter"
DIMENSION = 384
# raise when the way the towers are made from the files changes
_RECIPE = {"architecture": "starter", "recipe": 1}


def text_fingerprint() -> str:
    """Digest of the text tower, from the files it is made of."""
    return fingerprint_of_files({**_RECIPE, "tower": "text"}, _text_files())


def vision_fingerprint() -> str:
    """Digest of the image tower; its head is made by the text tower, so it hangs on those files too."""
    return fingerprint_of_files({**_RECIPE, "tower": "vision"}, [IMAGE_WEIGHTS.locate(), *_text_files()])


def _text_files() -> list[Path]:
    return [TEXT_WEIGHTS.locate(), TEXT_TOKENIZER.locate()]


def load_starter(device: str) -> ViFiEncoder:
    """Load both sides; see `encoder.load_encoder`."""
    from vifi_cli.model.device import choose_device
    from vifi_cli.model.preprocessing import preprocessing_from_open_clip
    from vifi_cli.model.starter import build_starter
    from vifi_cli.model.torch_runtime import PixelTower, TorchFrames, TorchTexts

    chosen = choose_device(device)
    model = build_starter()
    preprocessing = preprocessing_from_open_clip(model.visual.preprocess_cfg)
    frames = TorchFrames(PixelTower(model.visual, preprocessing), chosen)
    texts = TorchTexts(model.text, model.tokenizer, chosen)
    text = TextEncoder(STARTER, text_fingerprint(), DIMENSION, texts.description, texts)
    return ViFiEncoder(text, vision_fingerprint(), preprocessing.geometry, frames.description, frames)


def load_starter_text(device: str) -> TextEncoder:
    """Load the text side alone; see `encoder.load_text_encoder`."""
    return load_starter(device).text
