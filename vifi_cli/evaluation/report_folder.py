"""Writes an evaluation as a folder: for programs, for reading, and for a repository."""

from pathlib import Path

from vifi_cli.evaluation.report import Report


def write_report(folder: Path, report: Report) -> None:
    """Write `report.json`, `report.html` and `report.md` into a folder, which is made where it is missing.

    Raises:
        OSError: it cannot be written.
    """
    raise NotImplementedError(folder, report)
