"""Writes annotation files of ELAN (`.eaf`), as the Max Planck Institute's schema EAFv3.0.xsd has them.

Each label is a tier, since annotations of one tier must not overlap; all have the same linguistic type.
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from vifi_cli.data.formats.annotation_files.written.annotated_video import (
    AnnotatedVideo,
    distinct,
    milliseconds,
)
from vifi_cli.wording import one_line

LINGUISTIC_TYPE = "vifi"
SCHEMA_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
MIME_TYPES = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime"} | dict.fromkeys(
    (".mpg", ".mpeg"), "video/mpeg"
)
ANY_VIDEO = "video/*"


def elan_document(video: AnnotatedVideo, target: Path) -> bytes:
    """The file for a video; `target` is where it will be, from where the video is found if both move together."""
    root = Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "vifi",
            "DATE": datetime.now(UTC).isoformat(timespec="seconds"),
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": SCHEMA_INSTANCE,
            "xsi:noNamespaceSchemaLocation": SCHEMA,
        },
    )
    _add_header(root, video, target)
    spans = [milliseconds(each) for each in video.annotations]
    times = sorted(time for span in spans for time in span)
    order = SubElement(root, "TIME_ORDER")
    slots: dict[int, list[str]] = {}
    for number, time in enumerate(times, 1):
        SubElement(order, "TIME_SLOT", TIME_SLOT_ID=f"ts{number}", TIME_VALUE=str(time))
        slots.setdefault(time, []).append(f"ts{number}")
    names = dict(zip(video.labels, distinct(map(one_line, video.labels), "label"), strict=True))
    tiers = {
        label: SubElement(root, "TIER", LINGUISTIC_TYPE_REF=LINGUISTIC_TYPE, TIER_ID=names[label])
        for label in video.labels
    }
    for number, (each, span) in enumerate(zip(video.annotations, spans, strict=True), 1):
        start, end = (slots[time].pop(0) for time in span)
        alignable = SubElement(
            SubElement(tiers[each.label], "ANNOTATION"),
            "ALIGNABLE_ANNOTATION",
            ANNOTATION_ID=f"a{number}",
            TIME_SLOT_REF1=start,
            TIME_SLOT_REF2=end,
        )
        SubElement(alignable, "ANNOTATION_VALUE").text = names[each.label]
    SubElement(
        root,
        "LINGUISTIC_TYPE",
        GRAPHIC_REFERENCES="false",
        LINGUISTIC_TYPE_ID=LINGUISTIC_TYPE,
        TIME_ALIGNABLE="true",
    )
    ElementTree.indent(root, "    ")
    content: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return content + b"\n"


def _add_header(root: Element, video: AnnotatedVideo, target: Path) -> None:
    header = SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    media = {
        "MEDIA_URL": video.path.as_uri(),
        "MIME_TYPE": MIME_TYPES.get(video.path.suffix.lower(), ANY_VIDEO),
    }
    relative = _relative(video.path, target.parent)
    SubElement(header, "MEDIA_DESCRIPTOR", media | ({"RELATIVE_MEDIA_URL": relative} if relative else {}))
    last = SubElement(header, "PROPERTY", NAME="lastUsedAnnotationId")
    last.text = str(len(video.annotations))


def _relative(path: Path, folder: Path) -> str:
    """The path from a folder, as ELAN writes it; empty if it cannot be written."""
    try:
        relative = Path(os.path.relpath(path, folder)).as_posix()
        relative.encode()
    except ValueError:  # another drive, or a name that is not text
        return ""
    return relative if relative.startswith("../") else f"./{relative}"
