"""The shipped class names are those of the published label files, and names become words."""

from pathlib import Path

import pytest

from vifi_cli.data.class_names import class_key, class_names_of, class_part, clean_class_name
from vifi_cli.data.formats.label_file import read_label_file
from vifi_cli.data.public_datasets.datasets import PUBLIC_SETS

LABEL_FILES = {
    "hmdb51": "hmdb_51",
    "ucf101": "ucf_101",
    "k400": "kinetics_400",
    "k600": "kinetics_600",
    "ssv2": "ssv2",
}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ApplyEyeMakeup", "Apply Eye Makeup"),
        ("shoot_bow", "shoot bow"),
        ("YoYo", "Yo Yo"),
        ("BMXRiding", "BMX Riding"),
        ("passing American football (in game)", "passing American football (in game)"),
        ("_a__b_", "a b"),
        ("wave1", "wave1"),
        ("Cook.Cleandishes", "Cook Cleandishes"),
        ("St. Bernard v1.5", "St. Bernard v1.5"),
    ],
)
def test_names_become_words(name: str, words: str) -> None:
    assert clean_class_name(name) == words


@pytest.mark.parametrize(
    "name", ["ucf101", "hmdb51", "k400", "k600", "ssv2", "smarthome-cs", "smarthome-cv1", "smarthome-cv2"]
)
def test_every_set_with_a_class_list_has_its_classes(name: str) -> None:
    count = PUBLIC_SETS[name].classes
    assert {"ucf101": 101, "hmdb51": 51, "k400": 400, "k600": 600, "ssv2": 174}.get(name, count) == count
    names = class_names_of(name)
    assert len(names) == len({class_key(one) for one in names}) == count
    assert all(one == one.strip() and one for one in names)


@pytest.mark.parametrize(
    ("name", "base", "novel"), [("ucf101", 51, 50), ("hmdb51", 26, 25), ("k400", 200, 200), ("ssv2", 87, 87)]
)
def test_base_and_novel_share_the_classes_out(name: str, base: int, novel: int) -> None:
    parts = class_part(name, "base"), class_part(name, "novel")
    assert tuple(map(len, parts)) == (base, novel)
    assert sorted(parts[0] + parts[1]) == list(range(base + novel))


def test_the_zero_shot_classes_of_kinetics_600_are_not_in_kinetics_400() -> None:
    names, known = class_names_of("k600"), set(class_names_of("k400"))
    for number in (1, 2, 3):
        part = class_part("k600", f"zero_shot_{number}")
        assert len(set(part)) == 160
        assert not known & {names[label] for label in part}


@pytest.mark.parametrize("name", LABEL_FILES)
def test_shipped_names_are_the_published_ones(name: str, reference: Path) -> None:
    labels = reference / "labels"
    assert class_names_of(name) == read_label_file(labels / f"{LABEL_FILES[name]}_labels.csv").names
    prefix = "ssv2_174" if name == "ssv2" else LABEL_FILES[name]
    files = {part: labels / f"{prefix}_{part}_labels.csv" for part in ("base", "novel")}
    files |= {f"zero_shot_{number}": labels / f"ZS_split{number}_K600.csv" for number in (1, 2, 3)}
    for part, file in files.items():
        if classes := class_part(name, part):
            assert tuple(class_names_of(name)[label] for label in classes) == read_label_file(file).names
