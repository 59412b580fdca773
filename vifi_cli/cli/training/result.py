"""What a run of training came to, for eyes and as a document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vifi_cli.cli.terminal import output

if TYPE_CHECKING:
    from vifi_cli.training.run.folder import RunConfig, RunFolder
    from vifi_cli.training.run.reports import RunResult, Scores


def result_facts(folder: RunFolder, result: RunResult) -> list[tuple[str, str]]:
    """The model, the epoch it comes from, and its scores before and after."""
    return [
        ("Model", str(folder.best)),
        ("Epoch", str(result.epoch)),
        *_scores("Before", result.before),
        *_scores("Tuned", result.val),
        *_scores("Tuned", result.test if result.test != result.val else None),
    ]


def result_document(folder: RunFolder, result: RunResult) -> dict[str, object]:
    """The same as JSON values."""
    return {
        "model": str(folder.best),
        "run": str(folder.path),
        "epoch": result.epoch,
        "before": _as_document(result.before),
        "val": _as_document(result.val),
        "test": _as_document(result.test),
    }


def use_facts(config: RunConfig, best: Path) -> list[tuple[str, str]]:
    """How to search with the model, and whether that takes a new index."""
    if not config.recipe.prompts.text_context or config.recipe.prompts.image_context:
        return [("Use it", f"vifi index --rebuild --model {best}")]
    return [
        ("Use it", f'vifi search "..." --model {best}'),
        ("Index", f"one made with {config.model} stays valid; else vifi index --model {config.model}"),
    ]


def score_text(scores: Scores | None) -> str:
    """Top-1 and top-5 in words; nothing where no video was scored."""
    if scores is None or not scores.videos:
        return ""
    videos = output.counted(scores.videos, "video")
    return f"top-1 {scores.top1:.1%}, top-5 {scores.top5:.1%} of {videos} ({scores.split})"


def _scores(name: str, scores: Scores | None) -> list[tuple[str, str]]:
    text = score_text(scores)
    return [(name, text)] if text else []


def _as_document(scores: Scores | None) -> dict[str, object] | None:
    from dataclasses import asdict

    return asdict(scores) if scores else None
