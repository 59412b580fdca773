"""The `vifi` program: its commands put together, and the one place where errors become a line and an exit code."""

import os
import sys
from typing import Annotated

import typer

from vifi_cli import __version__
from vifi_cli.cli import output
from vifi_cli.cli.demo import demo
from vifi_cli.cli.doctor import doctor
from vifi_cli.cli.index import index
from vifi_cli.cli.model import model_app
from vifi_cli.cli.prune import prune
from vifi_cli.cli.search import search
from vifi_cli.cli.status import status
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
app.command()(status)
app.command()(prune)
app.command()(doctor)
app.command()(demo)
app.add_typer(model_app, name="model")


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
    except VifiError as error:
        if os.environ.get("VIFI_DEBUG"):
            raise
        output.error(str(error))
        sys.exit(error.exit_code)
    except Exception as error:  # what arrives here is a bug of ours; users still get one line
        if os.environ.get("VIFI_DEBUG"):
            raise
        output.error(
            f"{type(error).__name__}: {error} (this is a bug in vifi: run again with VIFI_DEBUG=1 and report it)"
        )
        sys.exit(2)
