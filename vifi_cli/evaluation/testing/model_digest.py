"""A digest of a whole model, by which two reports can be seen to be of the same weights."""

from vifi_cli.model.folders.loading import LoadedModel
from vifi_cli.model.weights.fingerprint import fingerprint_of_weights


def digest_of_model(loaded: LoadedModel) -> str:
    """SHA-256 over architecture, preprocessing, fusion, template and all weights, learned prompts too: 64 hex digits.

    Weights are compared as float32; where they lie, and in what precision, does not matter.
    """
    card = loaded.card
    description = {
        "architecture": card.architecture,
        "preprocessing": card.preprocessing.as_dict(),
        "fusion": loaded.network.fusion,
        "template": card.template,
    }
    return fingerprint_of_weights(description, loaded.network.state_dict())
