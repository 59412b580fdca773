"""Reads the text files that users bring: UTF-8 with or without BOM, lines ended as on any system."""

from pathlib import Path

from vifi_cli.errors import InvalidInput


def read_text(path: Path) -> str:
    """The content of a text file, whatever the line ends.

    Raises:
        InvalidInput: it cannot be read, or is no UTF-8 text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8 text: save it as UTF-8") from error
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror or 'cannot be read'}") from error


def numbered_lines(path: Path) -> list[tuple[int, str]]:
    """The lines of a text file that are not blank, without spaces around them, with their number from 1."""
    lines = enumerate(read_text(path).split("\n"), start=1)
    return [(number, line.strip()) for number, line in lines if line.strip()]
