"""`vifi doctor`: what is installed, what will be used and why, what is wrong and how to fix it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from vifi_cli import paths
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.options.shared import JsonOption

if TYPE_CHECKING:
    from vifi_cli.api.library.checkup import Finding

PROBLEM_FOUND = 1
MARKS = {"fine": "✓", "note": "·", "problem": "✗"}
ASCII_MARKS = {"fine": "+", "note": ".", "problem": "x"}


def doctor(as_json: JsonOption = False) -> None:
    """Check the installation and the index.

    It says how to fix what is wrong. Exit code 0 if all is well, 1 if there is a problem.
    """
    from vifi_cli.api.library.checkup import examine

    findings = list(examine(paths.data_folder(), paths.searched_index_folder()))
    if as_json:
        output.document([asdict(finding) for finding in findings])
    else:
        marks = MARKS if output.can_write("".join(MARKS.values())) else ASCII_MARKS
        rows = [(marks[finding.state], finding.subject, _text(finding)) for finding in findings]
        output.rows(("State", "What", "Finding"), rows)
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(PROBLEM_FOUND)


def _text(finding: Finding) -> str:
    return f"{finding.detail}: {finding.fix}" if finding.fix else finding.detail
