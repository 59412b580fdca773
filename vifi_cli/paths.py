"""Where vifi keeps things on disk: the user's data folder, or `$VIFI_HOME`."""

import os
from pathlib import Path

from platformdirs import user_data_path


def data_folder() -> Path:
    """The folder that holds everything vifi writes for itself: `$VIFI_HOME`, else the platform's own."""
    home = os.environ.get("VIFI_HOME")
    return Path(home).expanduser().absolute() if home else user_data_path("vifi", appauthor=False)


def index_folder() -> Path:
    """The folder of the catalogue (the truth) and of the vector files (its cache)."""
    return data_folder() / "index"


def cache_folder() -> Path:
    """The folder of things that can be made again at the cost of time: compiled encoders, query embeddings."""
    return data_folder() / "cache"
