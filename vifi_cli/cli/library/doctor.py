"""`vifi doctor`: what is installed, what will be used and why, what is wrong and how to fix it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from vifi_cli import paths
from vifi_cli.cli.terminal import output
from vifi_cli.cli.terminal.options import JsonOption

if TYPE_CHECKING:
    from vifi_cli.api.library.checkup import Finding

PROBLEM_FOUND = 1
MARKS = {"fine": "✓", "note": "·", "problem": "✗"}


def doctor(as_json: JsonOption = False) -> None:
    """Check the installation and the index.

    It says how to fix what is wrong. Exit code 0 if all is well, 1 if there is a problem.
    """
    from vifi_cli.api.library.checkup import examine

    findings = list(examine(paths.data_folder()))
    if as_json:
        output.document([_as_document(finding) for finding in findings])
    else:
        _show(findings)
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(PROBLEM_FOUND)


def _show(findings: list[Finding]) -> None:
    output.rows(
        ("", "What", "Finding"),
        [(MARKS[finding.state], finding.subject, _text(finding)) for finding in findings],
    )


def _text(finding: Finding) -> str:
    return f"{finding.detail}: {finding.fix}" if finding.fix else finding.detail


def _as_document(finding: Finding) -> dict[str, str | None]:
    return {
        "subject": finding.subject,
        "state": finding.state,
        "detail": finding.detail,
        "fix": finding.fix,
    }
