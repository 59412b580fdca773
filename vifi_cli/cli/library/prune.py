"""`vifi prune`: drops videos from the index."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vifi_cli import paths as places
from vifi_cli import wording
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.confirmation import is_confirmed
from vifi_cli.cli.terminal.options.shared import JsonOption, YesOption
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import given_path

if TYPE_CHECKING:
    from vifi_cli.index.update.pruning import Prunable

MOST_FOLDERS = 5


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
    from vifi_cli.index.update.pruning import prune_index, would_prune

    def confirm(found: Prunable) -> bool:
        if found:
            _show(found, as_json=as_json, is_asked=not yes)
            _confirm(found, yes)
        return bool(found)

    where, below = places.index_folder(), [given_path(path) for path in paths or ()]
    if dry_run:
        prunable = would_prune(where, below, missing=missing, skipped=skipped)
        _show(prunable, as_json=as_json, is_asked=False)
    else:
        prunable = prune_index(where, below, confirm, missing=missing, skipped=skipped)
    if as_json:
        output.document({"dropped": [] if dry_run else _names(prunable), "found": _names(prunable)})
    elif prunable:
        output.note(f"{_count(prunable)} {'would be dropped' if dry_run else 'dropped from the index'}")
    else:
        output.note("nothing to drop")


def _names(prunable: Prunable) -> list[str]:
    return [str(path) for path in (*prunable.videos, *prunable.failures)]


def _show(prunable: Prunable, *, as_json: bool, is_asked: bool) -> None:
    """Lists the files; before a question on a terminal only in short, by their folders."""
    if is_asked and output.stdout_is_terminal():
        folders = prunable.folders()
        for folder, number in folders[:MOST_FOLDERS]:
            output.note(f"  {folder}: {wording.counted(number, 'file')}")
        if len(folders) > MOST_FOLDERS:
            output.note(
                f"  and {wording.counted(len(folders) - MOST_FOLDERS, 'more folder')}; --dry-run lists all files"
            )
    elif not as_json:
        for path in _names(prunable):
            output.line(path)


def _count(prunable: Prunable) -> str:
    parts = (
        (prunable.videos, "video", "videos"),
        (prunable.failures, "unreadable file", "unreadable files"),
        (prunable.roots, "indexed folder", "indexed folders"),
    )
    counts = [wording.counted(len(paths), one, more) for paths, one, more in parts if paths]
    if prunable.video_seconds:
        counts[0] += f" ({wording.clock(prunable.video_seconds)} of video)"
    return " and ".join(filter(None, [", ".join(counts[:-1]), counts[-1]]))


def _confirm(prunable: Prunable, yes: bool) -> None:
    """Asks a person at a terminal; anything else must have passed --yes."""
    if yes:
        return
    count = _count(prunable)
    if not sys.stdin.isatty():
        raise InvalidInput(
            f"this would drop {count} from the index: say --yes to do it, or --dry-run to look"
        )
    if not is_confirmed(f"Drop {count} from the index?", "answer y to drop them, or n to keep them"):
        raise typer.Abort
