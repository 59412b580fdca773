"""The digest of a model, which tells whether two tests had the same."""

from vifi_cli.model.storage.loading import LoadedModel
from vifi_cli.model.weights.fingerprint import fingerprint_of_weights


def digest_of_model(loaded: LoadedModel) -> str:
    """SHA-256 over architecture, preprocessing, fusion, class texts, weights and learned prompts: 64 hex digits.

    Weights are compared as float32, so their precision in files does not matter.
    """
    card = loaded.card
    description: dict[str, object] = {
        "architecture": card.architecture,
        "preprocessing": card.preprocessing.as_dict(),
        "fusion": loaded.network.fusion,
        "template": card.template,
    }
    if card.texts:
        description["texts"] = [card.texts.templates, dict(card.texts.descriptions)]
    return fingerprint_of_weights(description, loaded.network.state_dict())
