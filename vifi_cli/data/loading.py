"""Loads labeled videos from any source: a folder, a table, ViFi-CLIP's lists, or a public set."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from vifi_cli.data.class_names import class_names_of
from vifi_cli.data.formats.annotation_files.reading import (
    annotation_files,
    is_annotation_file,
    read_annotation_files,
)
from vifi_cli.data.formats.finding import VideoFinder
from vifi_cli.data.formats.folders.class_folders import read_class_folders
from vifi_cli.data.formats.label_file import LabelFile, read_label_file
from vifi_cli.data.formats.listing import SPLITS, Listing, Split, locate
from vifi_cli.data.formats.lists.own_lists import read_own_lists
from vifi_cli.data.formats.lists.published_lists import find_list, list_names
from vifi_cli.data.formats.refused_files import refuse_other_files
from vifi_cli.data.formats.tables.reading import is_json_table, is_table, read_table
from vifi_cli.data.formats.tables.rows import has_known_header
from vifi_cli.data.formats.webdataset import find_shards, read_shards
from vifi_cli.data.labeled_videos import (
    LabeledVideos,
    class_counts,
    refusals,
    require_usable,
    restrict_to_classes,
    shows_several_classes,
)
from vifi_cli.data.moment_checks import caution_about_times
from vifi_cli.data.paper_setting import PAPER_BASE_SHOTS, SUPERVISED, TEST_ONLY, Setting
from vifi_cli.data.public_datasets.datasets import PUBLIC_SETS
from vifi_cli.data.public_datasets.kinetics import is_kinetics_table
from vifi_cli.data.public_datasets.loading import load_public_set
from vifi_cli.data.public_datasets.reading import set_of_file
from vifi_cli.data.source import DataSource
from vifi_cli.data.splits.class_choice import only_classes
from vifi_cli.data.splits.holding_out import has_groups, with_held_out
from vifi_cli.data.splits.overlaps import SameFrames
from vifi_cli.data.splits.random_splits import USUAL_SEED, base_and_novel, draw_shots
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import check_visible, given_path, is_given_file
from vifi_cli.wording import as_argument, counted


def load_labeled_videos(
    source: DataSource, setting: Setting = SUPERVISED, *, seed: int = USUAL_SEED
) -> LabeledVideos:
    """Loads labeled videos ready for training or testing.

    A single held-out split becomes both val and test. If there is none, a fifth of the training videos of each class
    is held out. Remarks report this and every other decision. Every class has a training video, unless the setting only
    tests.

    Raises:
        InvalidInput: something is wrong with the data; the text names the file and the line.
    """
    videos = read_labeled_videos(source, setting, seed=seed)
    require_usable(videos)
    if refusal := next(refusals_of_setting(videos, setting), None):
        raise InvalidInput(refusal)
    return replace(videos, remarks=(*videos.remarks, *_cautions(videos)))


def refusals_of_setting(videos: LabeledVideos, setting: Setting) -> Iterator[str]:
    """Why a setting does not take these videos: the `refusals`, or nothing to train on."""
    yield from refusals(videos)
    if videos.all_videos() and not videos.train and setting.name not in TEST_ONLY:
        yield f"{videos.name} has no training video; `--setting zero-shot` only tests"


def _cautions(videos: LabeledVideos) -> Iterator[str]:
    held_out = videos.val or videos.test
    untested = class_counts(held_out, len(videos.class_names)).count(0)
    if held_out and untested:
        have = "has" if untested == 1 else "have"
        yield f"{untested} of {len(videos.class_names)} classes {have} no held-out video"
    if caution := caution_about_times(videos.all_videos()):
        yield f"{caution} `vifi data check` lists them"
    held = SameFrames((*videos.val, *videos.test))
    if leaked := sum(held.find(video) is not None for video in videos.train):
        yield f"{leaked} of {len(videos.train)} training videos are held out too: `vifi data check` lists them"
    elif others := sum(held.find_dependent(video) is not None for video in videos.train):
        yield f"{others} of {len(videos.train)} training videos are other moments of files that are held out too"


def read_labeled_videos(
    source: DataSource, setting: Setting = SUPERVISED, *, seed: int = USUAL_SEED
) -> LabeledVideos:
    """Reads labeled videos as `load_labeled_videos` does, and accepts data that cannot be trained on."""
    if setting.name == "few-shot" and setting.shots is None:
        raise InvalidInput("few-shot needs a number of videos per class: few-shot-2, 4, 8 or 16 in the paper")
    if source.is_public_set:
        return _public(source, setting, seed)
    path = _existing(source)
    lists = _find_lists(path, setting, source.split or 1) if path.is_dir() else {}
    if ("test" if setting.name in TEST_ONLY else "train") in lists:
        return with_held_out(_chosen(_read_lists(path, lists, source), source), seed)
    return _in_setting(_chosen(_read_as_it_is(path, source), source), setting, seed)


def read_own_splits(source: DataSource) -> LabeledVideos:
    """Reads labeled videos in the splits that the data comes in; without splits, all are in `train`."""
    if source.is_public_set:
        return _public(source, SUPERVISED, 0)
    return _chosen(_read_as_it_is(_existing(source), source), source)


def _public(source: DataSource, setting: Setting, seed: int) -> LabeledVideos:
    videos = load_public_set(source.name, source.split or 1, source.root, setting, seed)
    is_part = setting.name in ("base2novel", "novel") or (setting.name, source.name) == ("zero-shot", "k600")
    return _chosen(videos, source, class_names_of(source.name) if is_part else ())


def _chosen(videos: LabeledVideos, source: DataSource, known: Sequence[str] = ()) -> LabeledVideos:
    """The videos of the classes that the source names, with a remark on those that are not on disk."""
    videos = only_classes(videos, source.classes, known)
    if not videos.missing:
        return videos
    listed = len({video.path for video in videos.all_videos()}) + len(videos.missing)
    remark = f"{len(videos.missing):,} of {listed:,} listed videos are not on disk"
    return replace(videos, remarks=(remark, *videos.remarks))


def _existing(source: DataSource) -> Path:
    path = given_path(source.name)
    check_visible(path)
    if os.path.exists(path) or find_shards(source.name):  # noqa: PTH110 - Path.exists() raises for a name that is too long
        return path
    raise InvalidInput(
        f"{source.name} does not exist: name a folder, a table, a list file, or one of {', '.join(PUBLIC_SETS)}"
    )


def _read_as_it_is(path: Path, source: DataSource) -> LabeledVideos:
    if known := set_of_file(path):
        raise InvalidInput(
            f"{path} belongs to {known.title}: write `--data {known.name} --data-root {as_argument(path.parent)}`"
        )
    if is_kinetics_table(path) and not has_known_header(path):
        raise InvalidInput(
            f"{path} is an annotation file of Kinetics: write `--data k400 --data-root {as_argument(path.parent)}`, or "
            "k600 or k700; for files of your own, add a column path"
        )
    if is_json_table(path):
        return _located(str(path), read_table(path, _labels(source)), source, path.parent, by_name=False)
    if annotated := _annotation_files(path):
        return _read_annotations(annotated, source)
    if source.layer is not None:
        raise InvalidInput(f"{path} has no layers to choose from: omit ':{source.layer}'")
    lists = _find_lists(path, SUPERVISED, source.split or 1) if path.is_dir() else {}
    if not lists and (shards := find_shards(source.name)):
        listing = read_shards(source.name, shards, _labels(source))
        return _located(source.name, listing, source, path.parent, by_name=False)
    if path.is_dir():
        return _read_lists(path, lists, source) if lists else read_class_folders(path, _labels(source))
    refuse_other_files(path)
    if is_table(path):
        listing = read_table(path, _labels(source))
        return _located(str(path), listing, source, path.parent, by_name=False)
    return _read_lists(path.parent, {"train": path}, source)


def _annotation_files(path: Path) -> list[Path]:
    """The file itself, or those in a folder, if they are annotation files of a labeling tool."""
    if path.is_dir():
        return annotation_files(path)
    return [path] if is_annotation_file(path) else []


def _read_annotations(paths: list[Path], source: DataSource) -> LabeledVideos:
    labels = _labels(source)
    is_folder = given_path(source.name).is_dir()
    folder = given_path(source.name) if is_folder else paths[0].parent
    found, finder = read_annotation_files(
        paths, folder, source.layer, source.root, labels.names if labels else None
    )
    name = source.name if source.layer is None else f"{source.name}:{source.layer}"
    videos = locate(name, found.class_names, found.videos, finder.find)
    read = (
        (f"the labels are from {counted(len(paths), 'annotation file')} in {source.name}",)
        if is_folder
        else ()
    )
    return replace(videos, remarks=(*videos.remarks, *read, *found.remarks))


def _labels(source: DataSource) -> LabelFile | None:
    if source.labels is None:
        return None
    if not is_given_file(source.labels):
        raise InvalidInput(f"{source}: the label file {source.labels} does not exist, or is not a file")
    return read_label_file(given_path(source.labels))


def _find_lists(folder: Path, setting: Setting, number: int) -> dict[Split, Path]:
    """The list files in ViFi-CLIP's form in a folder, as a setting needs them."""
    texts = [path for depth in ("*", "*/*", "*/*/*") for path in sorted(folder.glob(f"{depth}.txt"))]
    found = {split: find_list(texts, folder, list_names(setting, split, number)) for split in SPLITS}
    return {split: path for split, path in found.items() if path}


def _read_lists(folder: Path, lists: dict[Split, Path], source: DataSource) -> LabeledVideos:
    listing = read_own_lists(lists, _labels(source), source.name)
    name = str(folder if len(lists) > 1 else next(iter(lists.values())))
    return _located(name, listing, source, folder, by_name=True)


def _located(
    name: str, listing: Listing, source: DataSource, folder: Path, *, by_name: bool
) -> LabeledVideos:
    """Finds listed videos under the root or in the folder of the list."""
    bases = (source.root, folder) if source.root else (folder,)
    finder = VideoFinder(bases if by_name else bases[::-1], listing, by_name=by_name)
    found = locate(name, listing.class_names, listing.videos, finder.find)
    remarks = [*listing.remarks, *found.remarks]
    if finder.moved:
        remarks.append(
            f"{counted(len(finder.moved), 'path')} of another computer found here by its last folders"
        )
    return replace(found, remarks=tuple(remarks))


def _in_setting(videos: LabeledVideos, setting: Setting, seed: int) -> LabeledVideos:
    """Draws a setting of the paper from the user's own data, the frequent half of the classes being base.

    Raises:
        InvalidInput: it draws videos class by class, but some have several.
    """
    draws_classes = setting.name in ("few-shot", "base2novel", "novel")
    if draws_classes and shows_several_classes(videos.all_videos()):
        raise InvalidInput(
            f"--setting {setting} draws videos class by class, but videos of {videos.name} show several classes: "
            "choose supervised or zero-shot"
        )
    shots = setting.shots
    if setting.name in ("base2novel", "novel"):
        base, novel = base_and_novel(videos.train, len(videos.class_names))
        if has_groups(videos.train):
            # else the model learns base classes from the people whose novel clips are tested
            videos = with_held_out(videos, seed)
        videos = restrict_to_classes(videos, base if setting.name == "base2novel" else novel)
        shots = shots or PAPER_BASE_SHOTS
    if setting.name in TEST_ONLY:
        return replace(videos, train=(), val=(), test=videos.test or videos.val or videos.train)
    videos = with_held_out(videos, seed)
    return replace(videos, train=draw_shots(videos.train, shots, seed)) if shots else videos
