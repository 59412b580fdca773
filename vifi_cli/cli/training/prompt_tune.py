"""`vifi prompt-tune`: learns prompts for a model that does not change."""

from vifi_cli.cli.terminal.options.splicing import spliced
from vifi_cli.cli.terminal.progress.bars import load_torch
from vifi_cli.cli.training.options import RunChoice, SideOption, TrainingSource, train_or_resume
from vifi_cli.cli.training.result import show_result


@spliced
def prompt_tune(source: TrainingSource, *, side: SideOption = None, run: RunChoice) -> None:
    """Learn prompts for a frozen model.

    Prompts are vectors beside the words of a class name and the patches of an image. They are a small file, learned
    from few labeled videos. With --side text each clip is encoded once, and an index of the model stays valid.
    """
    load_torch()
    import vifi_cli

    result = train_or_resume(
        source, run, {"--side": side}, train=vifi_cli.prompt_tune, resume=vifi_cli.resume_training
    )
    show_result(result, as_json=run.as_json)
