"""Shows the result of training, as facts or as a JSON document."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from vifi_cli import wording
from vifi_cli.cli.terminal import output

if TYPE_CHECKING:
    from vifi_cli.api.training.bridge import BridgeResult
    from vifi_cli.training.run.reports import RunResult, Scores


def show_result(result: RunResult, *, as_json: bool) -> None:
    """Show the model, its scores before and after, and how to use it, in the first process only."""
    from vifi_cli.api.feedback import is_first_process

    if not is_first_process():
        return
    if as_json:
        output.document(_document(result))
        return
    test = result.test if result.test != result.val else None
    scored = (("Before", result.before), ("Tuned", result.val), ("Tuned", test))
    scores = [
        (name, _in_words(score, has_top5=result.has_top5)) for name, score in scored if score and score.videos
    ]
    output.facts([("Model", str(result.model)), ("Epoch", str(result.epoch)), *scores, *_use_facts(result)])


def show_bridge(result: BridgeResult, *, as_json: bool) -> None:
    """Show the scores of both stages, and how to use the model, in the first process only."""
    from vifi_cli.api.feedback import is_first_process

    if not is_first_process():
        return
    if as_json:
        stages = {"finetune": _document(result.finetune), "prompt": _document(result.prompt)}
        output.document({"model": str(result.model), "run": str(result.run), **stages})
        return
    rows = [
        *_rows("before", result.finetune.before, None),
        *_rows("fine-tuned", result.finetune.val, result.finetune.test),
        *_rows("prompted", result.prompt.val, result.prompt.test),
    ]
    shown = 5 if result.prompt.has_top5 else 4
    headers = ("Stage", "Videos", "Split", "Top-1", "Top-5")[:shown]
    output.rows(headers, [row[:shown] for row in rows], right=("Videos", "Top-1", "Top-5"))
    output.facts([("Model", str(result.model)), *_use_facts(result.prompt)])


def _document(result: RunResult) -> dict[str, object]:
    return {
        "model": str(result.model),
        "run": str(result.run),
        "epoch": result.epoch,
        "before": asdict(result.before) if result.before else None,
        "val": asdict(result.val) if result.val else None,
        "test": asdict(result.test) if result.test else None,
    }


def _use_facts(result: RunResult) -> list[tuple[str, str]]:
    """How to test the model and search with it, and whether it needs a new index."""
    model = wording.as_argument(result.model)
    test = [("Test it", f"vifi eval --model {model}")] if result.val or result.test else []
    if result.index_model == str(result.model):
        return [*test, ("Use it", f"vifi index --rebuild --model {model}")]
    start = result.index_model
    return [
        *test,
        ("Use it", f'vifi search "..." --model {model}'),
        ("Index", f"one made with {start} stays valid; else vifi index --model {start}"),
    ]


def _in_words(scores: Scores, *, has_top5: bool) -> str:
    videos = wording.counted(scores.videos, "video")
    top5 = f", top-5 {scores.top5:.1%}" if has_top5 else ""
    return f"top-1 {scores.top1:.1%}{top5} of {videos} ({scores.split})"


def _rows(name: str, val: Scores | None, test: Scores | None) -> list[tuple[str, ...]]:
    return [
        (name, f"{scores.videos:,}", scores.split, f"{scores.top1:.1%}", f"{scores.top5:.1%}")
        for scores in dict.fromkeys((val, test))
        if scores and scores.videos
    ]
