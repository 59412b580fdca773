"""`vifi bridge`: fine-tunes a model, then learns prompts for the result."""

from vifi_cli.cli.terminal.options.splicing import spliced
from vifi_cli.cli.terminal.progress.bars import load_torch
from vifi_cli.cli.training.options import RunChoice, SideOption, TrainingSource, train_or_resume
from vifi_cli.cli.training.result import show_bridge


@spliced
def bridge(source: TrainingSource, *, side: SideOption = None, run: RunChoice) -> None:
    """Fine-tune, then learn prompts (the paper's bridge and prompt).

    --recipe finetune.epochs=3 changes the first stage, prompt.epochs=5 the second, seed=3 both; a TOML file may have
    tables of these names. RUN/finetune and RUN/prompt are runs as the commands for one stage make them.
    """
    load_torch()
    import vifi_cli

    result = train_or_resume(
        source, run, {"--side": side}, train=vifi_cli.bridge, resume=vifi_cli.resume_bridge
    )
    show_bridge(result, as_json=run.as_json)
