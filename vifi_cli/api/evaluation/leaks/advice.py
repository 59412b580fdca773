"""The commands that give the number that a leak forbids: they train without the tested videos and classes."""

import shlex
from dataclasses import replace
from pathlib import Path

from vifi_cli.api.evaluation.plan import TestPlan
from vifi_cli.data.paper_setting import PAPER_BASE_SHOTS, Setting
from vifi_cli.data.source import DataSource
from vifi_cli.paths import given_path, shown_path
from vifi_cli.settings.settings import load_settings

MOST_CLASSES = 20
"""In a command; more are in the user's file."""


def how_to_avoid(plan: TestPlan, model: str) -> str:
    """What to run instead of a test that `model` gives away, or that training would give away for ""."""
    if not model:
        data = plan.subject.data
        return "" if data.is_public_set else f"{data.command_to_split} keeps them apart"
    base = plan.trained_on[model].base
    if plan.subject.setting.name == "zero-shot":
        zero_shot = _command(plan, "vifi eval", base)
        own = _command(plan, "vifi eval", model, Setting("supervised"))
        return f"zero-shot needs a model that never saw this data, as in {zero_shot}; {own} tests what it held out"
    train, compare = _command(plan, "vifi finetune", base), _command(plan, "vifi eval --train", base)
    return f"train without them by {train}, or train and test by {compare}"


def _command(plan: TestPlan, program: str, model: str, setting: Setting | None = None) -> str:
    """A command that can be copied, in backticks, on the tested data."""
    subject = plan.subject
    setting = setting or subject.setting
    if setting.name == "few-shot" and not setting.shots and program == "vifi finetune":
        setting = Setting("few-shot", PAPER_BASE_SHOTS)
    data, named = ["--data", _shown_data(subject.data)], ["--setting", str(setting)]
    parts = [*data, *named] if program == "vifi finetune" else [*named, *data]
    parts += ["--model", shown_path(given_path(model)) if given_path(model).exists() else model]
    if subject.data.root and subject.data.root != load_settings().data_root:
        parts += ["--data-root", shown_path(subject.data.root)]
    classes = subject.data.classes
    fits = len(classes) <= MOST_CLASSES and not any("," in name for name in classes)
    if classes and fits:
        parts += ["--classes", ",".join(classes)]
    if subject.protocol == "paper":
        parts += ["--protocol", "paper"]
    return f"`{program} {shlex.join(parts)}`" + ("" if fits else " with your --classes")


def _shown_data(data: DataSource) -> str:
    """The data as `--data` takes it, paths in the working folder relative to it."""
    if data.is_public_set:
        return str(data)
    labels = Path(shown_path(data.labels)) if data.labels else None
    return str(replace(data, name=shown_path(data.name), labels=labels))
