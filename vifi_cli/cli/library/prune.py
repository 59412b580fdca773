"""`vifi prune`: drops videos from the index."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli import paths as places
from vifi_cli import wording
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.options import JsonOption, YesOption
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import given_path

if TYPE_CHECKING:
    from vifi_cli.index.update.pruning import Prunable


def prune(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Files and folders to remove", show_default="every video whose file is gone", readable=False
        ),
    ] = None,
    missing: Annotated[
        bool,
        typer.Option(
            "--missing", help="Only videos whose file cannot be seen now, also on a disk that is away"
        ),
    ] = False,
    skipped: Annotated[
        bool, typer.Option("--skipped", help="Only videos in folders that are skipped now, such as trash")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only list what would be removed")] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Remove videos from the index.

    It removes the videos at and under PATHS, or else those whose file is gone. With --missing, it also removes those
    on a disk that is unplugged or was replaced. It never touches the files themselves.
    """
    from vifi_cli.index.update.pruning import prune_index

    def confirm(found: Prunable) -> bool:
        if not as_json:
            for path in _names(found):
                output.line(path)
        if not found or dry_run:
            return False
        _confirm(found, yes)
        return True

    prunable = prune_index(
        places.index_folder(),
        [given_path(path) for path in paths or ()],
        confirm,
        missing=missing,
        skipped=skipped,
    )
    if as_json:
        output.document({"dropped": [] if dry_run else _names(prunable), "found": _names(prunable)})
    elif prunable:
        output.note(f"{_count(prunable)} {'would be dropped' if dry_run else 'dropped from the index'}")
    else:
        output.note("nothing to drop")


def _names(prunable: Prunable) -> list[str]:
    return [str(path) for path in (*prunable.videos, *prunable.failures)]


def _count(prunable: Prunable) -> str:
    parts = (
        (prunable.videos, "video", "videos"),
        (prunable.failures, "unreadable file", "unreadable files"),
        (prunable.roots, "folder to look at", "folders to look at"),
    )
    return ", ".join(wording.counted(len(paths), one, more) for paths, one, more in parts if paths)


def _confirm(prunable: Prunable, yes: bool) -> None:
    """Asks a person at a terminal; anything else must have passed --yes."""
    if yes:
        return
    count = _count(prunable)
    if not sys.stdin.isatty():
        raise InvalidInput(
            f"this would drop {count} from the index: say --yes to do it, or --dry-run to look"
        )
    typer.confirm(f"Drop {count} from the index?", abort=True, err=True)
