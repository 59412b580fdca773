"""Which epoch of a run a model holds, and which one the published protocol tests."""

from collections.abc import Sequence
from pathlib import Path

from vifi_cli.api.evaluation.leaks.leaks import run_of
from vifi_cli.api.feedback import Feedback
from vifi_cli.data.paper_setting import Setting
from vifi_cli.model.registry.card import ModelCard
from vifi_cli.model.registry.model_files import is_model_folder
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.paths import shown_path


def epoch_in_words(model: str, card: ModelCard | None) -> str:
    """Such as `epoch 3 of 12, best top-1 on val`; empty for a model that no run has made."""
    run, epoch = run_of(model), card.origin.get("epoch", "") if card else ""
    if run is None or not epoch:
        return f"epoch {epoch}" if epoch else ""
    words = f"epoch {epoch} of {run.recipe.epochs}"
    if epoch == str(run.recipe.epochs):
        return f"{words}, the last"
    splits = [split for split in ("val", "test") if card and f"{split}_top1" in card.origin]
    return f"{words}, best top-1 on {splits[0]}" if splits and Path(model).name == "best" else words


def as_published(
    models: Sequence[str], setting: Setting, feedback: Feedback, *, is_named: bool
) -> tuple[str, ...]:
    """The models that the published protocol tests: in some settings those of the last epoch.

    A model that the user has named is kept, with a note.
    """
    return tuple(
        _as_published(model, feedback, is_named) if setting.tests_last_epoch else model for model in models
    )


def _as_published(model: str, feedback: Feedback, is_named: bool) -> str:
    run, last = run_of(model), str(Path(model).with_name("last"))
    card = resolve_model(model).card if run else None
    if run is None or card is None or card.origin.get("epoch") == str(run.recipe.epochs):
        return model
    if not is_model_folder(Path(last)) or Path(model).name != "best":
        return model
    if is_named:
        words = epoch_in_words(model, card)
        feedback.note(
            f"{shown_path(model)} is {words}; the published protocol tests the last: {shown_path(last)}"
        )
        return model
    return last
