"""The training videos of a setting."""

import hashlib
import os

from vifi_cli.api.feedback import Feedback
from vifi_cli.data.labeled_videos import LabeledVideos, without_leaks
from vifi_cli.data.loading import load_labeled_videos
from vifi_cli.data.setting import PAPER_BASE_SHOTS, SUPERVISED, Setting
from vifi_cli.data.source import DataSource
from vifi_cli.errors import InvalidInput
from vifi_cli.training.recipe.recipe import Protocol
from vifi_cli.wording import counted


def load_data(
    data: DataSource, setting: Setting, seed: int, *, protocol: Protocol, feedback: Feedback
) -> LabeledVideos:
    """Load the videos of a setting and report what was decided about them.

    Raises:
        InvalidInput: there are none, or something is wrong with them.
    """
    videos = find_data(data, setting, seed, protocol=protocol)
    for remark in videos.remarks:
        feedback.note(remark)
    if videos.missing:
        feedback.warn(
            f"{counted(len(videos.missing), 'listed video')} not on disk, such as {videos.missing[0]}; "
            "`vifi data check` lists them"
        )
    return videos


def find_data(data: DataSource, setting: Setting, seed: int, *, protocol: Protocol) -> LabeledVideos:
    """The videos that `load_data` loads, without reporting anything."""
    videos = load_labeled_videos(data, training_setting(setting), seed=seed)
    return without_leaks(videos) if protocol == "default" else videos


def training_setting(setting: Setting) -> Setting:
    """The videos that a setting of the paper trains on: zero-shot trains on all of another set.

    Raises:
        InvalidInput: the setting is only for tests.
    """
    if setting.name == "few-shot":
        return Setting("few-shot", setting.shots or PAPER_BASE_SHOTS)
    if setting.name == "novel":
        raise InvalidInput(
            "--setting novel: the settings are supervised, few-shot-K, base2novel and zero-shot"
        )
    return setting if setting.name == "base2novel" else SUPERVISED


def digest_of(videos: LabeledVideos) -> str:
    """16 hex digits that identify these videos with these classes, wherever they are stored."""
    digest = hashlib.sha256("\n".join(videos.class_names).encode())
    for split in (videos.train, videos.val, videos.test):
        for video in split:
            digest.update(f"\n{os.fsencode(video.path.name)!r} {video.label}".encode())
        digest.update(b"\n\n")
    return digest.hexdigest()[:16]
