"""A part of the classes of a dataset, which `--classes` names."""

import difflib
from collections.abc import Sequence
from dataclasses import replace

from vifi_cli.data.formats.label_file import LabelFile, read_label_file
from vifi_cli.data.labeled_videos import LabeledVideos, restrict_to_classes, with_remark
from vifi_cli.errors import InvalidInput
from vifi_cli.paths import given_path, is_given_file
from vifi_cli.wording import counted, first_of

ALL, PRESENT = "all", "present"
MOST_NAMED = 5
ClassChoice = tuple[str, ...]
"""Names of classes, or `present` alone for those with videos on disk; `all` alone or empty for all classes."""


def read_class_choice(text: str | Sequence[str] | None) -> ClassChoice:
    """Reads `present`, `all`, `a,b,c`, or a label file; a program may pass names.

    Raises:
        InvalidInput: no class is named, or the file is not a label file.
    """
    if text is None:
        return ()
    if not isinstance(text, str):
        names = tuple(text)
    elif is_given_file(text):
        names = read_label_file(given_path(text)).names
    else:
        names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise InvalidInput("--classes names no class: write present, names such as a,b,c, or a file of names")
    return tuple(dict.fromkeys(names))


def choice_in_words(choice: ClassChoice) -> str:
    """Such as `3 classes`, or `classes present`; empty for all of them."""
    if choice in ((), (ALL,)):
        return ""
    return "classes present" if choice == (PRESENT,) else counted(len(choice), "class", "classes")


def only_classes(videos: LabeledVideos, choice: ClassChoice, known: Sequence[str] = ()) -> LabeledVideos:
    """The videos of chosen classes, in the order of the set; a remark says which part this is.

    Present classes have a training video, or any video where nothing is trained. `known` are the classes of the
    complete set, where `videos` are of a part of it already; names of the others are ignored.

    Raises:
        InvalidInput: a name is not a class of the set, or none of the classes is there.
    """
    if not choice_in_words(choice):
        return videos
    if choice == (PRESENT,):
        has_videos = {label for video in videos.train or videos.all_videos() for label in video.labels}
        how = "those with videos here"
    else:
        has_videos = set(_labels(videos, choice, known))
        how = first_of([videos.class_names[label] for label in sorted(has_videos)], MOST_NAMED)
    chosen = sorted(has_videos)
    if not chosen:
        if choice == (PRESENT,):
            return videos  # that none is on disk is refused later, with an example
        raise InvalidInput(
            f"--classes: {videos.name} has none of these classes in this setting; --classes all takes all of them"
        )
    left_out = tuple(name for label, name in enumerate(videos.class_names) if label not in has_videos)
    if not left_out:
        return videos
    part = replace(restrict_to_classes(videos, chosen), left_out=left_out)
    return with_remark(part, f"{part.class_part}: {how}")


def _labels(videos: LabeledVideos, choice: ClassChoice, known: Sequence[str]) -> list[int]:
    labels, every = LabelFile(videos.class_names), LabelFile(tuple(known))
    found = []
    for name in choice:
        label = labels.find(name)
        if label is not None:
            found.append(label)
        elif every.find(name) is None:
            names = known or videos.class_names
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"its classes are {first_of(names, MOST_NAMED)}"
            raise InvalidInput(f"--classes: {videos.name} has no class {name!r}; {hint}")
    return found
