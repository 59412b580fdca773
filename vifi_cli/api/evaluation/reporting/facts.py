"""The complete protocol behind a table, so that others can repeat the test."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import datetime

from vifi_cli import __version__
from vifi_cli.api.evaluation.leaks.leaks import same_classes
from vifi_cli.api.evaluation.methods.method import find_method
from vifi_cli.api.evaluation.plan import TestPlan
from vifi_cli.api.evaluation.request import Subject, shown_model, training_source
from vifi_cli.api.evaluation.testing import DIGEST_SHOWN, Candidate, Tester
from vifi_cli.api.training.request import has_small_recipe
from vifi_cli.data.labeled_videos import LabeledVideo, digest_of_list
from vifi_cli.evaluation.report.report import TestDetail
from vifi_cli.evaluation.scoring.confidence_intervals import DRAWS
from vifi_cli.training.engine.precision import choose_precision
from vifi_cli.wording import counted

TestedCandidate = tuple[Candidate, tuple[tuple[TestDetail | None, ...], ...]]
"""A candidate with the tests of each trial; None where its model has no answer."""
TestedCandidates = Sequence[TestedCandidate]


def facts(tester: Tester, tested: TestedCandidates) -> Iterator[tuple[str, str]]:
    """The protocol of a test, a name and a text each: data, lists, models, texts, leaks and how numbers were made."""
    plan, subject, clips = tester.plan, tester.plan.subject, tester.clip_settings
    yield "Setting", subject.setting.name
    yield "Data", str(subject.data)
    yield from _class_parts(plan)
    yield "Protocol", subject.protocol
    if plan.training:
        yield "Training starts from", shown_model(subject.models[0].name)
        yield "Recipes", _recipes(subject)
    if any(candidate.method == find_method("bridge-prompt").title for candidate, _ in tested):
        yield "Bridge", "fine-tuned on the training list itself; the paper's is on Kinetics-400"
    yield from _lists(plan)
    yield from _frames(tester)
    drawn = ", frames drawn at random" if clips.views.drawn else ""
    yield "Views", f"{clips.views.clips} x {clips.views.crops}, clips in time x crops in space{drawn}"
    if clips.imagenet_statistics:
        yield "Pixels", "normalized by ImageNet's mean and std for every model, as published"
    seeds = dict.fromkeys(str(trial.seed) for trial in plan.trials if trial.seed is not None)
    if len(seeds) > 1:
        yield "Seeds", ", ".join(seeds)
    else:
        yield "Seed", next(iter(seeds), str(subject.seed))
    for model, description in tester.models.items():
        yield f"Model {shown_model(model)}", description
    yield from _texts(tested)
    yield from _leaks(plan)
    groups = min((detail.scores.groups for detail in every_detail(tested)), default=0)
    resampled = (
        f"with the variance over {groups} groups, resampled {DRAWS:,} times" if groups else "over videos"
    )
    yield "Intervals", f"95 %, Wilson, {resampled}"
    yield "Spread (±)", "sample standard deviation over splits or seeds, divisor n - 1"
    if plan.training:
        yield (
            "Train min",
            "wall time of all trainings of a row, with validation and the training that it starts from",
        )
    processes = clips.processes
    yield "Device", f"{processes.count} x {processes.device}"
    dtype = choose_precision(subject.recipe.runtime.precision, processes.device).dtype
    yield "Precision", "fp32" if dtype is None else str(dtype).removeprefix("torch.")
    yield "vifi", __version__
    yield "Date", f"{datetime.now().astimezone():%Y-%m-%d %H:%M %z}"


def every_detail(tested: TestedCandidates) -> Iterator[TestDetail]:
    """Every test of every candidate."""
    for _, trials in tested:
        for tests in trials:
            yield from filter(None, tests)


def _recipes(subject: Subject) -> str:
    """What methods are trained with."""
    is_small = has_small_recipe(training_source(subject.data, subject.setting), subject.protocol)
    presets = "small, and prompt-small for prompts" if is_small else f"{subject.setting.name} of the paper"
    methods = map(find_method, subject.methods)
    own = (f"{method.preset} for {method.title}" for method in methods if method.preset)
    return ", ".join((presets, *own, *map(str, subject.changes)))


def _frames(tester: Tester) -> Iterator[tuple[str, str]]:
    """The frames of test clips, of each model where they differ."""
    frames = {shown_model(model.name): tested.frames for model, tested in tester.conditions.items()}
    if len(set(frames.values())) <= 1:
        for number in set(frames.values()):
            yield "Frames", f"{number} a clip"
        return
    for model, number in frames.items():
        yield f"Frames of {model}", f"{number} a clip"


def _leaks(plan: TestPlan) -> Iterator[tuple[str, str]]:
    for model, before in plan.trained_on.items():
        if before.gap:
            yield f"Leaks of {shown_model(model)}", f"not fully known: {before.gap}"
    if not plan.leaks:
        yield "Leaks", "none found"
    novel = plan.novel_classes
    for model, before in plan.trained_on.items():
        if met := same_classes(novel, before.met_elsewhere):
            some = f"{len(met)} of {len(novel)}, from another public set, such as {met[0]!r}"
            yield f"Novel classes that {shown_model(model)} has met", some


def _texts(tested: TestedCandidates) -> Iterator[tuple[str, str]]:
    for texts in {c.texts.name: c.texts for c, _ in tested if c.texts}.values():
        parts = []
        if texts.templates:
            templates = ", ".join(map(repr, texts.templates))
            parts.append(f"{counted(len(texts.templates), 'template')}: {templates}")
        if texts.descriptions:
            content = json.dumps(dict(texts.descriptions), sort_keys=True).encode()
            digest = hashlib.sha256(content).hexdigest()[:DIGEST_SHOWN]
            parts.append(f"descriptions of {len(texts.descriptions)} classes, sha256 {digest}")
        yield f"Texts {texts.name}", "; ".join(parts)


def _lists(plan: TestPlan) -> Iterator[tuple[str, str]]:
    for place, of_trials in enumerate(zip(*plan.lists, strict=True)):
        texts = [_list(videos.test, videos.class_names) for videos in of_trials]
        parts = [plan.part(trial, place) for trial in range(len(texts))]
        yield from _once("Test list", plan.list_name(place), parts, texts)
    texts = [_list(videos.train, videos.class_names) for videos in plan.training]
    yield from _once("Training list", "", [trial.in_words for trial in plan.trials if texts], texts)


def _once(kind: str, common: str, parts: Sequence[str], texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The lists of all trials; if they are the same one, that one, under its common name."""
    if len(set(texts)) == 1:
        parts, texts = [common], texts[:1]
    for part, text in zip(parts, texts, strict=True):
        yield f"{kind} {part}".strip(), text


def _class_parts(plan: TestPlan) -> Iterator[tuple[str, str]]:
    """Which classes are tested where `--classes` has left some out."""
    for number, lists in enumerate(plan.lists):
        for place, videos in enumerate(lists):
            if videos.left_out:
                name = f"Classes {plan.part(number, place)}".strip()
                yield name, f"{videos.class_part}, by --classes: {', '.join(videos.class_names)}"


def _list(videos: tuple[LabeledVideo, ...], names: tuple[str, ...]) -> str:
    digest = digest_of_list(videos, names)[:DIGEST_SHOWN]
    return f"{counted(len(videos), 'video')} of {len(names)} classes, sha256 {digest}"
