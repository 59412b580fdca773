"""Which model is used: the one named, else the setting, else the index's own encoder, else the default.

Only the first run of an index asks whether the hub can be reached, and the index keeps what is chosen then.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vifi_cli import paths
from vifi_cli.api.feedback import Feedback
from vifi_cli.api.models.weights import fetch_model
from vifi_cli.errors import IndexMissing, InvalidInput
from vifi_cli.settings.settings import setting_of

if TYPE_CHECKING:
    from vifi_cli.model.registry.source import ModelSource


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """A model by its name, and in words why it was chosen; no reason if the user has just named it."""

    name: str
    reason: str = ""

    def fetch(self, feedback: Feedback) -> "ModelSource":
        """Notes the choice, and fetches the model's weights; errors are those of `fetch_model`."""
        if self.reason:
            feedback.note(f"model: {self.name} ({self.reason})")
        with self.explained():
            return fetch_model(self.name, feedback)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Adds the reason of the choice to an error about the model's name."""
        try:
            yield
        except InvalidInput as error:
            if not self.reason:
                raise
            raise InvalidInput(f"{error} ({self.reason}; `--model` names another)") from error


def choose_model(given: str | Path | None) -> ChosenModel:
    """The model of a command that encodes videos or texts, which `--model` or a program may have named."""
    from vifi_cli.model.registry.hub import describe_default_model
    from vifi_cli.model.registry.known_models import DEFAULT_MODEL

    if chosen := _named(given):
        return chosen
    if own := _index_encoder():
        return own
    return ChosenModel(DEFAULT_MODEL, describe_default_model())


def choose_for_new_index(given: str | Path | None) -> ChosenModel:
    """The model of a new index; without a name and a setting, what this machine can get now, and keeps.

    Raises:
        ModelUnavailable: the default cannot be fetched, and `starter` is not installed.
    """
    from vifi_cli.model.registry.hub import choose_default_model

    return _named(given) or ChosenModel(*choose_default_model())


def choose_for_rebuild(given: str | Path | None, present: str) -> ChosenModel:
    """The model of an index that is made again; `present` has made it."""
    return _named(given) or ChosenModel(present)


def choose_start_of_training(given: str | Path | None, *, of_prompts: bool = False) -> ChosenModel:
    """The model that training starts from.

    If it is not named, but set or of the index, and vifi has trained it, the model that it was trained from. Prompts
    are learned for a tuned model as well, so that they fit an index of it.
    """
    chosen = choose_model(given)
    if not chosen.reason:
        return chosen
    with chosen.explained():
        start = _trained_from(chosen.name, of_prompts=of_prompts)
    if start == chosen.name:
        return chosen
    return ChosenModel(start, f"{chosen.name} was trained from it, and is {chosen.reason}")


def _index_encoder() -> ChosenModel | None:
    """The encoder of the index that searches read; None if there is no index, IndexDamaged if it cannot be read."""
    from vifi_cli.index.catalog.catalog import CATALOG_FILE
    from vifi_cli.index.catalog.reader import CatalogReader

    folder = paths.searched_index_folder()
    whose = "your index" if folder == paths.index_folder() else "the demo"
    try:
        with CatalogReader(folder / CATALOG_FILE) as catalog:
            return ChosenModel(catalog.indexed_with.model, f"the encoder of {whose}")
    except IndexMissing:
        return None


def _named(given: str | Path | None) -> ChosenModel | None:
    if given is not None:
        return ChosenModel(str(given))
    setting = setting_of("model")
    if setting.value is None:
        return None
    return ChosenModel(
        setting.value, f"set {'by' if setting.source == 'environment' else 'in'} {setting.place}"
    )


def _trained_from(name: str, *, of_prompts: bool) -> str:
    """Follows a model back to the first one that vifi has not trained; for prompts, that has its own weights."""
    from vifi_cli.model.registry.source import resolve_model

    seen = [name]
    while (card := (source := resolve_model(seen[-1])).card) and (
        card.base or (card.tuned and not of_prompts)
    ):
        before = source.base.name if source.base else card.origin.get("base")
        if before is None or before in seen:
            break
        seen.append(before)
    return seen[-1]
