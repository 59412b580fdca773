"""A folder with a folder for each class, or with such folders below train/, val/ and test/."""

from pathlib import Path

from vifi_cli.data.forms.listing import SPLIT_NAMES, SPLITS, Split
from vifi_cli.data.forms.video_tree import files_below, refuse_unreadable
from vifi_cli.data.labeled_videos import LabeledVideo, LabeledVideos, ucf101_scene
from vifi_cli.errors import InvalidInput
from vifi_cli.video.files.recognition import may_be_video


def read_class_folders(folder: Path, class_names: tuple[str, ...] | None = None) -> LabeledVideos:
    """Reads the videos below class folders, however deep; without split folders all of them are in `train`.

    Args:
        folder: with the class folders, or with split folders and nothing else.
        class_names: of a label file; without, the folders' names in order.

    Raises:
        InvalidInput: no video lies in a class folder, or a folder is no class of the label file.
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
        raise InvalidInput(
            f"{folder} holds no video in a folder for its class: expected {folder}/CLASS/VIDEO.mp4"
        )
    remarks = (f"{astray} videos that lie in no class folder are left out",) if astray else ()
    train, val, test = (tuple(splits[split]) for split in SPLITS)
    return LabeledVideos(str(folder), names, train, val, test, remarks=remarks)


def _folders_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
