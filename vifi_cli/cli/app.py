"""The `vifi` program: its commands put together, and the one place where errors become a line and an exit code."""

import os
import sys
from typing import Annotated

import typer

from vifi_cli import __version__
from vifi_cli.cli.evaluation.attention import attention
from vifi_cli.cli.evaluation.classify import classify
from vifi_cli.cli.evaluation.embed_map import embed_map
from vifi_cli.cli.evaluation.eval import evaluate
from vifi_cli.cli.library.demo import demo
from vifi_cli.cli.library.doctor import doctor
from vifi_cli.cli.library.index import index
from vifi_cli.cli.library.prune import prune
from vifi_cli.cli.library.status import status
from vifi_cli.cli.models.data import data_app
from vifi_cli.cli.models.model import model_app
from vifi_cli.cli.search.cut import cut
from vifi_cli.cli.search.search import search
from vifi_cli.cli.search.serve import serve
from vifi_cli.cli.search.shell import OPTIONS_OF_SEARCH, shell
from vifi_cli.cli.search.similar import similar
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.error_words import in_words
from vifi_cli.cli.training.bridge import bridge
from vifi_cli.cli.training.finetune import finetune
from vifi_cli.cli.training.prompt_tune import prompt_tune
from vifi_cli.errors import VifiError

app = typer.Typer(
    name="vifi",
    help="Find the moment in your videos by describing it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(index)
app.command()(search)
app.command()(cut)
app.command()(serve)
app.command()(similar)
app.command(context_settings=OPTIONS_OF_SEARCH)(shell)
app.command()(classify)
app.command()(finetune)
app.command()(prompt_tune)
app.command()(bridge)
app.command("eval")(evaluate)
app.command()(attention)
app.command()(embed_map)
app.command()(status)
app.command()(prune)
app.command()(doctor)
app.command()(demo)
app.add_typer(model_app, name="model")
app.add_typer(data_app, name="data")


def _show_version(asked: bool) -> None:
    if asked:
        output.line(f"vifi {__version__}")
        raise typer.Exit


@app.callback()
def _vifi(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Find the moment in your videos by describing it."""


def main() -> None:
    """Runs the program; an error that a user can mend becomes one line on stderr and its exit code."""
    output.prepare_streams()
    try:
        app(prog_name="vifi")
    except Exception as error:
        if os.environ.get("VIFI_DEBUG"):
            raise
        output.error(in_words(error))
        sys.exit(error.exit_code if isinstance(error, VifiError) else 2)
