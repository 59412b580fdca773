"""The process in which pictures and moments are made: it takes jobs from a connection and sends back what they give."""

import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection

from vifi_cli.errors import UnreadableVideo
from vifi_cli.video.decoding_process import end_with_parent

LOWER_PRIORITY = 10
"""So that what the user is at comes first."""

Job = Callable[[], object]


def run(connection: Connection) -> None:
    """Does the jobs that come through the connection, one after another, until killed or told no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=end_with_parent, daemon=True).start()
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, 0, LOWER_PRIORITY)
    while True:
        connection.send(_done(connection.recv()))


def _done(job: Job) -> tuple[object, Exception | None]:
    """What a job gives, or why it gives nothing."""
    try:
        return job(), None
    except (UnreadableVideo, OSError) as error:
        return None, error
    except Exception as error:  # noqa: BLE001  one file must never cost the others, whatever is wrong with it
        return None, UnreadableVideo(f"{type(error).__name__}: {error}")
