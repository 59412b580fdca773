"""Reads the official annotation files of a public set, whichever it is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from vifi_cli.data.class_names import class_names_of
from vifi_cli.data.formats.annotation_files.moments import (
    LabeledMoment,
    Omission,
    listing_of,
)
from vifi_cli.data.formats.folders.video_tree import VideoTree
from vifi_cli.data.formats.listing import Listing
from vifi_cli.data.public_datasets.clip_sets import (
    DIVING_FILE,
    EPIC_FILE,
    diving_classes,
    diving_moments,
    epic_moments,
    epic_names,
    smarthome_classes,
    smarthome_moments,
)
from vifi_cli.data.public_datasets.datasets import PUBLIC_SETS, PublicSet
from vifi_cli.data.public_datasets.kinetics import kinetics_moments
from vifi_cli.data.public_datasets.official_splits import OFFICIAL_READERS
from vifi_cli.data.public_datasets.segment_sets import (
    ACTIVITYNET_FILE,
    CHARADES_FILE,
    HACS_CLIPS_FILE,
    HACS_SEGMENTS_FILE,
    activitynet_moments,
    charades_classes,
    charades_moments,
    hacs_clip_moments,
    hacs_segment_moments,
)
from vifi_cli.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class _Reader:
    moments: Callable[[VideoTree], Iterator[LabeledMoment | Omission]]
    class_names: Callable[[VideoTree], tuple[str, ...]] | None = None  # else all labels, sorted
    one_class_each: bool = True  # else a video shows several


_READERS = {
    "k700": _Reader(kinetics_moments),
    "activitynet": _Reader(activitynet_moments),
    "hacs-segments": _Reader(hacs_segment_moments),
    "hacs-clips": _Reader(hacs_clip_moments),
    "charades": _Reader(
        charades_moments, lambda tree: tuple(dict(charades_classes(tree)).values()), one_class_each=False
    ),
    "epic-kitchens-verb": _Reader(
        epic_moments("verb"), lambda tree: tuple(epic_names(tree, "verb").values())
    ),
    "epic-kitchens-noun": _Reader(
        epic_moments("noun"), lambda tree: tuple(epic_names(tree, "noun").values())
    ),
    "epic-kitchens-action": _Reader(epic_moments("action")),
    "diving48": _Reader(diving_moments, diving_classes),
    "smarthome-cs": _Reader(smarthome_moments("cs"), lambda _: smarthome_classes("cs")),
    "smarthome-cv1": _Reader(smarthome_moments("cv1"), lambda _: smarthome_classes("cv1")),
    "smarthome-cv2": _Reader(smarthome_moments("cv2"), lambda _: smarthome_classes("cv2")),
}
_FILES = (
    (ACTIVITYNET_FILE, "activitynet"),
    (HACS_SEGMENTS_FILE, "hacs-segments"),
    (HACS_CLIPS_FILE, "hacs-clips"),
    (CHARADES_FILE, "charades"),
    (EPIC_FILE, "epic-kitchens-verb"),
    (DIVING_FILE, "diving48"),
)


def read_official(named: PublicSet, tree: VideoTree, number: int) -> Listing:
    """The classes and videos of a split in a set's annotation files; without videos if the files are absent.

    Raises:
        InvalidInput: a file is not as it is distributed, or holds more classes than the set has.
    """
    if named.name in OFFICIAL_READERS:
        shipped = class_names_of(named.name)
        return Listing(shipped, OFFICIAL_READERS[named.name](tree.texts, shipped, number))
    reader = _READERS[named.name]
    moments = list(reader.moments(tree))
    if not any(isinstance(each, LabeledMoment) for each in moments):
        return Listing((), ())
    class_names = reader.class_names(tree) if reader.class_names else None
    found = listing_of(moments, str(tree.root), class_names, one_class_each=reader.one_class_each)
    if len(found.class_names) > named.classes:
        raise InvalidInput(
            f"the annotation files under {tree.root} have {len(found.class_names)} classes, {named.title} has "
            f"{named.classes}: name the folder of this set alone with --data-root"
        )
    if (
        reader.class_names is None
        and len(found.class_names) < named.classes
        and not named.name.startswith("epic")
    ):
        remark = (
            f"the annotations have {len(found.class_names)} of the {named.classes} classes of {named.title}"
        )
        return replace(found, remarks=(remark, *found.remarks))
    return found


def set_of_file(path: Path) -> PublicSet | None:
    """The public set that an annotation file belongs to, by its name."""
    names = (name for pattern, name in _FILES if pattern.fullmatch(path.name))
    return next((PUBLIC_SETS[name] for name in names), None)
