"""A digest of a list of videos, by which two people can tell that they tested with the same one."""

import hashlib
import os
from collections.abc import Sequence

from vifi_cli.data.labeled_videos import LabeledVideo


def digest_of_list(videos: Sequence[LabeledVideo], class_names: Sequence[str]) -> str:
    """SHA-256 over file names, without folders, and the names of their classes, in order: 64 hex digits."""
    digest = hashlib.sha256()
    for video in videos:
        digest.update(os.fsencode(video.path.name) + b"\0" + class_names[video.label].encode() + b"\n")
    return digest.hexdigest()
