"""Shows the result of training, as facts or as a JSON document."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import PurePath
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
    scores = [(name, _in_words(score)) for name, score in scored if score and score.videos]
    early = f" of {result.epochs_done}, stopped early" if result.stopped_early else ""
    epoch = [] if result.is_head else [("Epoch", f"{result.epoch}{early}")]
    facts = [
        ("Model", str(result.model)),
        *epoch,
        *_class_facts(result),
        *scores,
    ]
    output.facts([*facts, *_use_facts(result)])


def show_bridge(result: BridgeResult, *, as_json: bool) -> None:
    """Show the scores of both stages, and how to use the model, in the first process only."""
    from vifi_cli.api.feedback import is_first_process

    if not is_first_process():
        return
    if as_json:
        stages = {"finetune": _document(result.finetune), "prompt": _document(result.prompt)}
        output.document({"model": str(result.model), "run": str(result.run), **stages})
        return
    scored = [
        *_scored("before", result.finetune.before, None),
        *_scored("fine-tuned", result.finetune.val, result.finetune.test),
        *_scored("prompted", result.prompt.val, result.prompt.test),
    ]
    measure = "mAP" if any(scores.measure == "mAP" for _, scores in scored) else "Top-1"
    shown = 6 if any(scores.top5 is not None for _, scores in scored) else 5
    headers = ("Stage", "Videos", "Split", "Clips", measure, "Top-5")[:shown]
    output.rows(headers, [_row(*each)[:shown] for each in scored], right=("Videos", measure, "Top-5"))
    output.facts([("Model", str(result.model)), *_class_facts(result.prompt), *_use_facts(result.prompt)])


def _document(result: RunResult) -> dict[str, object]:
    return {
        "model": str(result.model),
        "run": str(result.run),
        "epoch": result.epoch,
        "epochs_done": result.epochs_done,
        "stopped_early": result.stopped_early,
        "classes": result.class_names,
        "left_out_classes": result.left_out_classes,
        "before": asdict(result.before) if result.before else None,
        "val": asdict(result.val) if result.val else None,
        "test": asdict(result.test) if result.test else None,
    }


def _class_facts(result: RunResult) -> list[tuple[str, str]]:
    """Which part of the classes the scores are about, if `--classes` has left some out."""
    if not result.left_out_classes:
        return []
    return [
        ("Classes", f"{len(result.class_names)}, with {len(result.left_out_classes)} left out by --classes")
    ]


def _use_facts(result: RunResult) -> list[tuple[str, str]]:
    """How to test the model and search with it, and whether it needs a new index."""
    model = wording.as_argument(result.model)
    test = [("Test it", f"vifi eval --model {model}")] if result.val or result.test else []
    if result.index_model == str(result.model):
        return [*test, ("Use it", f"vifi index --rebuild --model {model}")]
    start = result.index_model
    if result.is_head:
        return [*test, ("Use it", f"vifi classify VIDEO --model {model}")]
    return [
        *test,
        ("Use it", f'vifi search "..." --model {model}'),
        (
            "Index",
            f"one made with {start} stays valid; else vifi index --model {wording.as_argument(PurePath(start))}",
        ),
    ]


def _in_words(scores: Scores) -> str:
    videos = wording.counted(scores.videos, "video")
    return f"{scores.in_words} of {videos} ({scores.split}, {scores.conditions})"


def _scored(name: str, val: Scores | None, test: Scores | None) -> list[tuple[str, Scores]]:
    return [(name, scores) for scores in dict.fromkeys((val, test)) if scores and scores.videos]


def _row(name: str, scores: Scores) -> tuple[str, ...]:
    top5 = "–" if scores.top5 is None else f"{scores.top5:.1%}"
    return name, f"{scores.videos:,}", scores.split, scores.conditions, f"{scores.value:.1%}", top5
