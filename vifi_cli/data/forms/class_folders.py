"""A folder with a folder for each class, or with such folders under train/, val/ and test/."""

from pathlib import Path

from vifi_cli.data.forms.listing import SPLIT_NAMES, SPLITS, Split
from vifi_cli.data.forms.video_tree import files_below, refuse_unreadable
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, ucf101_scene
from vifi_cli.errors import InvalidInput
from vifi_cli.video.files.recognition import may_be_video
from vifi_cli.wording import counted


def read_class_folders(folder: Path, class_names: tuple[str, ...] | None = None) -> LabeledVideos:
    """Reads the videos under class folders at any depth; without split folders, all are in `train`.

    Args:
        folder: has the class folders, or only split folders.
        class_names: of a label file; None for the names of the folders, sorted.

    Raises:
        InvalidInput: class folders have no videos, or a folder is not a class of the label file.
    """
    tops = _folders_in(folder)
    has_splits = bool(tops) and all(top.name.lower() in SPLIT_NAMES for top in tops)
    class_folders = [sub for top in tops for sub in _folders_in(top)] if has_splits else tops
    names = class_names or tuple(sorted({sub.name for sub in class_folders}))
    label_of = {name: label for label, name in enumerate(names)}
    if stranger := next((sub for sub in class_folders if sub.name not in label_of), None):
        raise InvalidInput(f"{stranger}: the label file has no class {stranger.name!r}")
    splits: dict[Split, list[LabeledVideo]] = {split: [] for split in SPLITS}
    astray = 0
    for path in filter(may_be_video, map(Path, files_below(str(folder), on_error=refuse_unreadable))):
        parts = path.relative_to(folder).parts
        if len(parts) < 2 + has_splits:
            astray += 1
            continue
        split = SPLIT_NAMES[parts[0].lower()] if has_splits else "train"
        splits[split].append(LabeledVideo(path, label_of[parts[has_splits]], ucf101_scene(path)))
    if not any(splits.values()):
        raise InvalidInput(f"{folder} has no videos in class folders: put them in {folder}/CLASS/VIDEO.mp4")
    remarks = (f"left out {counted(astray, 'video')} outside class folders",) if astray else ()
    train, val, test = (tuple(splits[split]) for split in SPLITS)
    return LabeledVideos(str(folder), names, train, val, test, remarks=remarks)


def _folders_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
