"""`vifi finetune`: teaches a model your own actions."""

from typing import Annotated

from vifi_cli.cli.terminal.options.shared import Fusion, Tune
from vifi_cli.cli.terminal.options.splicing import spliced
from vifi_cli.cli.terminal.progress.bars import load_torch
from vifi_cli.cli.training.options import RunChoice, TrainingSource, train_or_resume, training_option
from vifi_cli.cli.training.result import show_result


@spliced
def finetune(
    source: TrainingSource,
    *,
    tune: Annotated[
        Tune | None,
        training_option(
            help="Towers to train (both is ViFi-CLIP), or a classifier on top of them", show_default="both"
        ),
    ] = None,
    fusion: Annotated[
        Fusion | None,
        training_option(
            help="What is averaged over frames: embeddings, predictions, or the pictures",
            show_default="embedding",
        ),
    ] = None,
    run: RunChoice,
) -> None:
    """Fine-tune a model on labeled videos.

    `vifi index --model RUN/best` uses the result. You can interrupt it at any time and continue with --resume. With
    several GPUs:
    torchrun --nproc-per-node 8 -m vifi_cli finetune ...
    """
    load_torch()
    import vifi_cli

    own = {"--tune": tune, "--fusion": fusion}
    result = train_or_resume(source, run, own, train=vifi_cli.finetune, resume=vifi_cli.resume_training)
    show_result(result, as_json=run.as_json)
