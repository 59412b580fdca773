"""How many pictures a second a frame folder has: as a file beside or above them says, else the setting, else 25."""

import configparser
import os
from fractions import Fraction
from pathlib import Path

from vifi_cli.errors import UnreadableVideo
from vifi_cli.settings.settings import load_settings
from vifi_cli.settings.values import HIGHEST_RATE, LOWEST_RATE

USUAL_RATE = Fraction(25)  # as FFmpeg reads and writes pictures
RATE_FILE = "frame_rate.txt"
RATE_FILE_LEVELS = 4  # the folder, and the folders above it in which its rate may be written
SEQUENCE_FILE = "seqinfo.ini"  # of MOT challenges, beside the pictures or the folder with them
LARGEST_DENOMINATOR = 10_000
RATE_FILE_CHARACTERS = 10_000


def rate_file_of(folder: Path) -> Path | None:
    """The file beside or above the pictures of a folder that may hold their rate; None if there is none."""
    levels = (folder, *folder.parents)[:RATE_FILE_LEVELS]
    places = [*(level / RATE_FILE for level in levels), *(level / SEQUENCE_FILE for level in levels[:2])]
    return next((place for place in places if os.path.isfile(place)), None)  # noqa: PTH113 - Path.is_file() may raise


def rate_in(file: Path) -> Fraction:
    """The rate that a file holds; raises UnreadableVideo if that is none."""
    try:
        with file.open(encoding="utf-8-sig", errors="replace") as opened:
            text = opened.read(RATE_FILE_CHARACTERS)
        if file.name == SEQUENCE_FILE:
            parser = configparser.ConfigParser(interpolation=None)
            parser.read_string(text)
            text = parser.get("Sequence", "frameRate")
        return as_rate(text.strip())
    except (OSError, configparser.Error, ValueError) as error:
        raise UnreadableVideo(f"{file} does not hold a frame rate such as 25, 29.97 or 30000/1001") from error


def rate_is_guessed(path: Path) -> bool:
    """Whether a path is a folder whose frames come at the usual rate: neither a file nor the setting says it."""
    is_folder = os.path.isdir(path)  # noqa: PTH112 - Path.is_dir() raises where it may not look
    return is_folder and rate_file_of(path) is None and load_settings().frame_rate is None


def as_rate(value: float | str) -> Fraction:
    """A frame rate from a number or a text such as `29.97` or `30000/1001`; raises ValueError."""
    try:
        rate = Fraction(value).limit_denominator(LARGEST_DENOMINATOR)
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        raise ValueError("is not a number") from error
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise ValueError(f"is not from {LOWEST_RATE:g} to {HIGHEST_RATE:g}")
    return rate
