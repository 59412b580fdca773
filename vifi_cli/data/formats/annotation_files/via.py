"""Reads projects of the VGG Image Annotator 3 (data format 3.1.1) and the two kinds of CSV that it exports.

An attribute is the layer that holds the labels. A segment is an annotation with two times; one without times is about
the complete file. Annotations of single frames are left out. Source: `_via_data.js`, `_via_import_export.js` and
`_via_attribute.js` of the tool.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from vifi_cli.data.formats.annotation_files.media import MediaFinder
from vifi_cli.data.formats.annotation_files.moments import (
    LabeledMoment,
    Omission,
    chosen_layer,
    moment_between,
    time_in,
)
from vifi_cli.data.formats.annotation_files.structured_file import (
    Json,
    list_in,
    load_json,
    object_in,
    table_rows,
)
from vifi_cli.data.formats.text_file import read_text
from vifi_cli.errors import InvalidInput

CSV_HEADER, CSV_ATTRIBUTES = "# CSV_HEADER = ", "# ATTRIBUTE = "
UNSET = ("", "_DEFAULT")  # what the tool writes where nothing has been chosen
CHECKBOX = 2  # in `_VIA_ATTRIBUTE_TYPE`; several options, joined by commas
FRAME = Omission("annotation of a single frame", "annotations of single frames")
"""Of a region or a point in time, which have no duration."""


@dataclass(frozen=True, slots=True)
class _Metadata:
    """One annotation."""

    file: str
    times: tuple[float, ...]  # seconds: none, one or two
    values: Mapping[str, str]  # by attribute, in its name or identifier


@dataclass(frozen=True, slots=True)
class _Attribute:
    name: str
    options: Mapping[str, str]
    is_checkbox: bool

    def labels(self, value: str) -> list[str]:
        """The labels that a stored value stands for."""
        values = value.split(",") if self.is_checkbox and value not in self.options else [value]
        labels = (self.options.get(each.strip(), each) for each in values)
        return [label for label in labels if label.strip() not in UNSET]


def via_project_moments(
    path: Path, layer: str | None, finder: MediaFinder
) -> Iterator[LabeledMoment | Omission]:
    """The segments of a project, and the labels of complete files."""
    project = object_in(load_json(path), str(path))
    attributes = _attributes(object_in(project.get("attribute"), f"{path}, attribute"), str(path))
    return _moments(list(_project_metadata(project, path)), attributes, layer, path)


def via_table_moments(
    path: Path, layer: str | None, finder: MediaFinder
) -> Iterator[LabeledMoment | Omission]:
    """The segments of an exported CSV file, and the labels of complete files."""
    lines = read_text(path).split("\n")
    listed = next((line for line in lines if line.startswith(CSV_ATTRIBUTES)), "")
    given = _json(listed.removeprefix(CSV_ATTRIBUTES), str(path)) if listed else {}
    attributes = _attributes(object_in(given, f"{path}, ATTRIBUTE"), str(path))
    return _moments(list(_table_metadata(lines, path)), attributes, layer, path)


def _moments(
    metadata: list[_Metadata], attributes: Mapping[str, _Attribute], layer: str | None, path: Path
) -> Iterator[LabeledMoment | Omission]:
    lasting = [each for each in metadata if len(each.times) != 1]
    unknown = _Attribute("", {}, is_checkbox=False)
    named = [
        {attributes.get(key, unknown).name or key: (key, value) for key, value in each.values.items()}
        for each in lasting
    ]
    used = list(
        dict.fromkeys(name for values in named for name, (_, value) in values.items() if value not in UNSET)
    )
    attribute = chosen_layer(used, layer, path, "attribute")
    yield from [FRAME] * (len(metadata) - len(lasting))
    for each, values in zip(lasting, named, strict=True):
        key, value = values.get(attribute, ("", ""))
        labels = attributes.get(key, unknown).labels(value)
        start, end = each.times if each.times else (0.0, float("inf"))
        yield moment_between(each.file, labels, start, end)


def _attributes(listed: Json, where: str) -> dict[str, _Attribute]:
    attributes = {}
    for key, value in listed.items():
        attribute = object_in(value, f"{where}, attribute {key}")
        options = attribute.get("options")
        texts = {number: str(text) for number, text in options.items()} if isinstance(options, dict) else {}
        name = str(attribute.get("aname") or key)
        attributes[key] = _Attribute(name, texts, attribute.get("type") == CHECKBOX)
    return attributes


def _project_metadata(project: Json, path: Path) -> Iterator[_Metadata]:
    files = object_in(project.get("file"), f"{path}, file")
    views = object_in(project.get("view"), f"{path}, view")
    for key, value in object_in(project.get("metadata"), f"{path}, metadata").items():
        where = f"{path}, metadata {key}"
        entry = object_in(value, where)
        view = object_in(views.get(str(entry.get("vid"))), f"{where}, its view")
        shown = [str(each) for each in list_in(view.get("fid_list"), f"{where}, fid_list")]
        if not shown:
            raise InvalidInput(f"{where} belongs to a view without files")
        file = object_in(files.get(shown[0]), f"{where}, its file")
        name = str(file.get("src") or file.get("fname") or "")
        yield _entry(name, entry.get("z"), entry.get("av"), where)


def _table_metadata(lines: list[str], path: Path) -> Iterator[_Metadata]:
    header_at = next((number for number, line in enumerate(lines) if line.startswith(CSV_HEADER)), None)
    if header_at is None:
        raise InvalidInput(f"{path} has no line {CSV_HEADER.strip()!r}: export it again from VIA 3")
    header = lines[header_at].removeprefix(CSV_HEADER).split(",")
    for number, cells in table_rows("\n".join(lines[header_at + 1 :]), ",", path):
        where = f"{path}, line {header_at + 1 + number}"
        if len(cells) != len(header):
            raise InvalidInput(f"{where} has {len(cells)} cells, the header {len(header)}")
        row = dict(zip(header, cells, strict=True))
        files = list_in(_json(row.get("file_list", ""), where), f"{where}, file_list")
        if not files:
            raise InvalidInput(f"{where} names no file")
        if "temporal_coordinates" in row:
            times = _json(row["temporal_coordinates"], where)
        else:
            times = [row.get("temporal_segment_start", ""), row.get("temporal_segment_end", "")]
        yield _entry(str(files[0]), times, _json(row.get("metadata", ""), where), where)


def _entry(file: str, times: object, values: object, where: str) -> _Metadata:
    seconds = tuple(time_in(each, where) for each in list_in(times, f"{where}, its times") if each != "")
    if len(seconds) > 2:
        raise InvalidInput(f"{where} has {len(seconds)} times: vifi reads segments, which have two")
    texts = {key: str(value) for key, value in object_in(values, f"{where}, its attributes").items()}
    return _Metadata(file, seconds, texts)


def _json(text: str, where: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{where}: {text[:40]!r} is not JSON") from error
