"""Whether the terminal shows colors: by VIFI_COLORS, then NO_COLOR or FORCE_COLOR, then the file of settings."""

import os
import sys

from vifi_cli.errors import InvalidInput
from vifi_cli.settings.settings import setting_of

NO_COLOR, FORCE_COLOR = "NO_COLOR", "FORCE_COLOR"


def apply_color_setting() -> None:
    """Gives the libraries that color text the user's choice, by the variables that they all read.

    Wrong settings are left to the command, which reports them.
    """
    try:
        setting = setting_of("colors")
    except InvalidInput:
        return
    is_decided = os.environ.get(NO_COLOR) or os.environ.get(FORCE_COLOR)
    if setting.value == "auto" or (is_decided and setting.source == "file"):
        return
    wanted, unwanted = (NO_COLOR, FORCE_COLOR) if setting.value == "never" else (FORCE_COLOR, NO_COLOR)
    os.environ[wanted] = "1"
    os.environ.pop(unwanted, None)
    if wanted == FORCE_COLOR and not sys.stderr.isatty():
        os.environ.setdefault("TTY_INTERACTIVE", "0")  # colors in a file, and no moving bars
