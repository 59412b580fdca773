"""The `vifi` program: its commands, and how errors become a line and an exit code."""

import os
import sys
from typing import Annotated

import typer

from vifi_cli import __version__, stop_signals
from vifi_cli.cli.evaluation.attention import attention
from vifi_cli.cli.evaluation.classify import classify
from vifi_cli.cli.evaluation.compare import compare
from vifi_cli.cli.evaluation.embed_map import embed_map
from vifi_cli.cli.evaluation.eval import evaluate
from vifi_cli.cli.library.config import config_app
from vifi_cli.cli.library.demo import demo
from vifi_cli.cli.library.doctor import doctor
from vifi_cli.cli.library.index import index
from vifi_cli.cli.library.prune import prune
from vifi_cli.cli.library.status import status
from vifi_cli.cli.models.data import data_app
from vifi_cli.cli.models.model import model_app
from vifi_cli.cli.search.cut import cut
from vifi_cli.cli.search.mcp import mcp
from vifi_cli.cli.search.open import open_moment
from vifi_cli.cli.search.search import search
from vifi_cli.cli.search.serve import serve
from vifi_cli.cli.search.similar import similar
from vifi_cli.cli.shell.shell import OPTIONS_OF_SEARCH, shell
from vifi_cli.cli.teaching.concepts import concepts_app
from vifi_cli.cli.teaching.teach import teach
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.colors import apply_color_setting
from vifi_cli.cli.terminal.errors import in_words
from vifi_cli.cli.terminal.help import COMMAND_GROUPS, App
from vifi_cli.cli.terminal.options.completion import join_words_of_bash
from vifi_cli.cli.timeline.timeline import timeline
from vifi_cli.cli.training.bridge import bridge
from vifi_cli.cli.training.finetune import finetune
from vifi_cli.cli.training.improve import improve
from vifi_cli.cli.training.prompt_tune import prompt_tune
from vifi_cli.cli.training.runs import runs
from vifi_cli.errors import VifiError

FAILED = 2
SEARCH, WATCH, TRAIN, EVALUATE, MODELS, UPKEEP = COMMAND_GROUPS

app = App(name="vifi", help="Find the moment in your videos by describing it")
app.command(rich_help_panel=SEARCH)(index)
app.command(rich_help_panel=SEARCH)(search)
app.command(rich_help_panel=SEARCH)(similar)
app.command(rich_help_panel=SEARCH)(teach)
app.command(rich_help_panel=SEARCH)(timeline)
app.command(rich_help_panel=SEARCH, context_settings=OPTIONS_OF_SEARCH)(shell)
app.add_typer(concepts_app, name="concepts", rich_help_panel=SEARCH)
app.command("open", rich_help_panel=WATCH)(open_moment)
app.command(rich_help_panel=WATCH)(serve)
app.command(rich_help_panel=WATCH)(mcp)
app.command(rich_help_panel=WATCH)(cut)
app.command(rich_help_panel=TRAIN)(improve)
app.command(rich_help_panel=TRAIN)(finetune)
app.command(rich_help_panel=TRAIN)(prompt_tune)
app.command(rich_help_panel=TRAIN)(bridge)
app.command(rich_help_panel=TRAIN)(runs)
app.command("eval", rich_help_panel=EVALUATE)(evaluate)
app.command("eval compare", rich_help_panel=EVALUATE)(compare)
app.command(rich_help_panel=EVALUATE)(classify)
app.command(rich_help_panel=EVALUATE)(attention)
app.command(rich_help_panel=EVALUATE)(embed_map)
app.add_typer(model_app, name="model", rich_help_panel=MODELS)
app.add_typer(data_app, name="data", rich_help_panel=MODELS)
app.add_typer(config_app, name="config", rich_help_panel=UPKEEP)
app.command(rich_help_panel=UPKEEP)(status)
app.command(rich_help_panel=UPKEEP)(prune)
app.command(rich_help_panel=UPKEEP)(doctor)
app.command(rich_help_panel=UPKEEP)(demo)


def _show_version(asked: bool) -> None:
    if asked:
        output.line(f"vifi {__version__}")
        raise typer.Exit


@app.callback()
def _vifi(
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", callback=_show_version, is_eager=True, help="Show the version and exit"
        ),
    ] = False,
) -> None:
    """Find the moment in your videos by describing it."""


def main() -> None:
    """Runs the program; an error becomes one line on stderr and an exit code."""
    output.prepare_streams()
    apply_color_setting()
    join_words_of_bash()
    try:
        code = app(prog_name="vifi", standalone_mode=False)
    except Exception as error:  # noqa: BLE001 - the one place where errors become words
        code = _end_by(error)
    if stop := stop_signals.unheeded():
        code = code and stop_signals.heed(stop)  # a command that is done is done
    if code:
        sys.exit(code)


def _end_by(error: Exception) -> int:
    """Shows an error, or the stop that it comes from; returns the exit code."""
    stop = stop_signals.stop_behind(error) or stop_signals.unheeded()
    if isinstance(error, typer.Abort) and not isinstance(stop, stop_signals.Stopped):
        if stop is not None:
            stop_signals.heed(stop)
        output.error("nothing was changed: you did not confirm")
        return 1
    if stop is not None:
        output.stopped(stop)
        return stop_signals.heed(stop)
    if os.environ.get("VIFI_DEBUG"):
        raise error
    if words := in_words(error):
        output.error(words)
    return error.exit_code if isinstance(error, VifiError) else FAILED
