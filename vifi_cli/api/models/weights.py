"""Getting hold of models: their names, and weights that are fetched before they are needed."""

from vifi_cli.api.feedback import Feedback


def fetch_weights(name: str, feedback: Feedback) -> None:
    """Fetches a model's weights unless they are on this machine already.

    Raises:
        InvalidInput: there is no such model.
        ModelUnavailable: the hub cannot be reached, or the file came damaged.
    """
    from vifi_cli.model.registry.hub import is_cached, pull

    if is_cached(name):
        return
    with feedback.task(f"Fetching {name}") as report:
        pull(name, report)


def default_model(feedback: Feedback) -> str:
    """The model that is taken where none is named, which is told."""
    from vifi_cli.model.registry.hub import choose_default_model

    name, reason = choose_default_model()
    feedback.note(f"model: {name} ({reason})")
    return name
