"""Two methods on the same videos: which tests and videos pair, the numbers by hand, and what is refused."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from vifi_cli import compare
from vifi_cli.data.labeled_videos import LabeledVideo
from vifi_cli.errors import InvalidInput
from vifi_cli.evaluation.paired.comparison import Comparison, comparison_document
from vifi_cli.evaluation.report.prediction_files import write_predictions
from vifi_cli.evaluation.report.report import detail_of_test
from vifi_cli.evaluation.scoring.paired_difference import McNemar, PairedCounts, tango_interval
from vifi_cli.evaluation.scoring.predictions import Predictions

LABELS = [0, 0, 0, 0, 1, 1, 1, 1]
RIGHT = ("11110000", "01111110")
"""Of the first model and of the second: both 3, only the first 1, only the second 3, neither 1."""


def write(
    folder: Path,
    tests: dict[tuple[str, str], str],
    *,
    videos: str = "/v",
    groups: str = "",
    classes: int = 2,
    labels: list[int] = LABELS,
) -> Path:
    """A report whose methods are right about some of eight videos, by method and part: `1` for right."""
    details = []
    for (method, part), right in tests.items():
        listed = [
            LabeledVideo(Path(f"{videos}/{number}/clip.mp4"), label, groups[number : number + 1])
            for number, label in enumerate(labels)
        ]
        shares = np.full((len(right), classes), 0.1, np.float32)
        for number, letter in enumerate(right):
            shares[number, labels[number] if letter == "1" else 1 - labels[number]] = 0.9
        read = np.array([number for number, letter in enumerate(right) if letter != "x"])
        unreadable = tuple((number, "broken") for number, letter in enumerate(right) if letter == "x")
        names = ["run", "walk", *map(str, range(classes - 2))]
        details.append(
            detail_of_test(method, part, names, Predictions(read, shares[read], unreadable), listed)
        )
    write_predictions(folder, details)
    return folder


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    return (
        write(tmp_path / "a", {("clip", ""): RIGHT[0]}),
        write(tmp_path / "b", {("vifi", ""): RIGHT[1]}),
    )


def test_the_numbers_by_hand(two: tuple[Path, Path]) -> None:
    found = compare(*two)
    (test,) = found.tests
    assert test.counts == PairedCounts(3, 1, 3, 1)
    assert (test.first.value, test.second.value, test.difference.value) == (0.5, 0.75, 0.25)
    assert (test.difference.low, test.difference.high) == tango_interval(3, 1, 8)
    assert test.mcnemar == McNemar(10 / 16, 10 / 16 - 4 / 16)
    assert (test.groups, test.unpaired, test.unreadable, test.path_parts, found.notes) == (
        0,
        (0, 0),
        0,
        0,
        (),
    )
    # run: 4 and 3 of 4, walk: 0 and 3 of 4
    assert [(each.name, each.videos, each.first, each.second) for each in test.classes] == [
        ("walk", 4, 0, 3),
        ("run", 4, 4, 3),
    ]
    assert (found.first.name, found.first.report, found.second.name) == ("clip", str(two[0]), "vifi")
    (row,) = found.rows
    assert (row["first"], row["difference"], row["only_second"]) == (0.5, 0.25, 3)
    assert row["difference low"] == test.difference.low
    low, high = tango_interval(3, 1, 8)
    assert repr(found).splitlines()[1] == f"  top-1 +25.0 [{100 * low:.1f}, {100 * high:.1f}], exact p 0.625"
    assert json.loads(json.dumps(comparison_document(found)))["tests"][0]["mcnemar_exact_p"] == 0.625


def swapped(found: Comparison) -> float:
    return found.tests[0].difference.value


@pytest.mark.parametrize("kind", ["report.json", "predictions.csv", "predictions.jsonl"])
def test_a_file_will_do(two: tuple[Path, Path], kind: str) -> None:
    (two[0] / "report.json").write_text("{}")
    assert swapped(compare(two[0] / kind, two[1])) == 0.25
    assert swapped(compare(two[1], two[0] / kind)) == -0.25


def test_predictions_of_another_program_will_do(two: tuple[Path, Path], tmp_path: Path) -> None:
    with (tmp_path / "theirs.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Path", "true", "predicted", "score"])
        for number, label in enumerate(LABELS):
            writer.writerow([f"/v/{number}/clip.mp4", ("run", "walk")[label], "run", "0.5"])
    (test,) = compare(tmp_path / "theirs.csv", two[1]).tests
    assert test.counts == PairedCounts(3, 1, 3, 1)


def test_numbers_for_names_are_not_all_wrong_but_refused(two: tuple[Path, Path], tmp_path: Path) -> None:
    table = tmp_path / "theirs.csv"
    named = [(f"/v/{number}/clip.mp4", ("run", "walk")[label]) for number, label in enumerate(LABELS)]
    for spelled in (lambda name: name.upper(), lambda name: str(int(name == "walk"))):
        rows = [f"{path},{true},{spelled(true)}" for path, true in named]
        table.write_text("\n".join(["path,true,predicted", *rows]))
        with pytest.raises(
            InvalidInput, match=r"the second test predicts classes such as '(RUN|0)', and the true"
        ):
            compare(two[0], table)
    # a model that is always wrong predicts what the other test knows
    table.write_text("\n".join(["path,true,predicted", *(f"{path},{true},walk" for path, true in named[:4])]))
    assert compare(two[0], table).tests[0].counts == PairedCounts(0, 4, 0, 0)


def test_a_predicted_class_that_is_spelled_differently_is_remarked_on(
    two: tuple[Path, Path], tmp_path: Path
) -> None:
    table = tmp_path / "theirs.csv"
    named = [(f"/v/{number}/clip.mp4", ("run", "walk")[label]) for number, label in enumerate(LABELS)]
    rows = [
        f"{path},{true},{ {'/v/0/clip.mp4': 'dance', '/v/4/clip.mp4': 'Walk'}.get(path, true) }"
        for path, true in named
    ]
    table.write_text("\n".join(["path,true,predicted", *rows]))
    found = compare(two[0], table)
    assert found.tests[0].counts == PairedCounts(3, 1, 3, 1)
    assert found.notes == (
        "B predicts 2 classes that no video shows, such as 'Walk', which count as wrong: if the spelling differs, "
        "write all alike",
    )
    assert compare(table, two[0]).notes[0].startswith("A predicts 2 classes")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("mark", [";", "\t"])
def test_tables_as_excel_writes_them_will_do(
    two: tuple[Path, Path], tmp_path: Path, mark: str, encoding: str
) -> None:
    rows = [(f"/v/{number}/clip.mp4", ("run", "walk")[label], "run") for number, label in enumerate(LABELS)]
    text = "\r\n".join(map(mark.join, [("Path", "true", "predicted"), *rows]))
    (tmp_path / "theirs.csv").write_bytes(text.encode(encoding))
    assert compare(tmp_path / "theirs.csv", two[1]).tests[0].counts == PairedCounts(3, 1, 3, 1)


def test_a_class_may_be_the_number_0(tmp_path: Path) -> None:
    for name, predicted in (("a", 0), ("b", 1)):
        rows = [{"path": f"{number}.mp4", "true": number % 2, "predicted": predicted} for number in range(4)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert compare(tmp_path / "a.jsonl", tmp_path / "b.jsonl").tests[0].counts == PairedCounts(0, 2, 2, 0)


def test_paths_of_windows_pair_by_their_ends(two: tuple[Path, Path], tmp_path: Path) -> None:
    table = tmp_path / "theirs.csv"
    rows = [
        rf"D:\sets\v\{number}\clip.mp4,{('run', 'walk')[label]},run" for number, label in enumerate(LABELS)
    ]
    table.write_text("\n".join(["path,true,predicted", *rows]))
    (test,) = compare(table, two[1]).tests
    assert (test.counts, test.path_parts) == (PairedCounts(3, 1, 3, 1), 3)


def test_brackets_do_not_make_a_class_several(tmp_path: Path) -> None:
    table = tmp_path / "theirs.csv"
    table.write_text("path,true,predicted\na,[run],[run]\nb,[0],[run]\n")
    other = tmp_path / "others.csv"
    other.write_text("path,true,predicted\na,[run],[0]\nb,[0],[0]\n")
    assert compare(table, other).tests[0].counts == PairedCounts(0, 1, 1, 0)


def test_a_leak_of_a_report_is_one_of_its_comparison(two: tuple[Path, Path]) -> None:
    assert compare(*two).stamps == ()
    (two[1] / "report.json").write_text('{"stamps": ["leak: b has learned them"]}')
    found = compare(*two)
    assert found.stamps == (f"{two[1]}: leak: b has learned them",)
    assert comparison_document(found)["stamps"] == list(found.stamps)
    assert "leak" in repr(found)
    (two[1] / "report.json").write_text("[]")
    assert compare(*two).stamps == ()


def test_a_moved_folder_pairs_by_the_ends_of_paths(two: tuple[Path, Path], tmp_path: Path) -> None:
    moved = write(tmp_path / "moved", {("vifi", ""): RIGHT[1]}, videos="/mnt/x/v")
    found = compare(two[0], moved)
    assert found.tests[0].counts == PairedCounts(3, 1, 3, 1)
    assert found.tests[0].path_parts == 3  # v/0/clip.mp4
    assert "paired by the last 3 parts" in found.notes[0]
    # by their names alone, all are the same: nothing pairs
    others = write(tmp_path / "other", {("vifi", ""): RIGHT[1]}, videos="/mnt/p")
    table = (others / "predictions.csv").read_text().replace("/mnt/p/", "/mnt/p")
    (others / "predictions.csv").write_text(table)
    with pytest.raises(InvalidInput, match="only 0 of 8 videos are in both"):
        compare(two[0], others)


def test_groups_widen_the_interval_and_mcnemar_is_qualified(tmp_path: Path) -> None:
    first = write(tmp_path / "a", {("clip", ""): RIGHT[0]}, groups="aaaabbbb")
    found = compare(first, write(tmp_path / "b", {("vifi", ""): RIGHT[1]}))
    (test,) = found.tests
    assert test.groups == 2
    assert (test.difference.low or 0) < tango_interval(3, 1, 8)[0]
    assert found.notes == (
        "McNemar's test takes videos as independent, and these belong to 2 groups: trust the interval, which draws "
        "complete groups",
    )
    of_one = write(tmp_path / "one", {("vifi", ""): RIGHT[1]}, groups="c" * 8)
    assert "all videos are of one group, c" in compare(tmp_path / "b", of_one, methods=["vifi"]).notes[0]


def test_videos_without_a_partner_count_nowhere(two: tuple[Path, Path], tmp_path: Path) -> None:
    fewer = write(tmp_path / "fewer", {("vifi", ""): RIGHT[1][:6]}, labels=LABELS[:6])
    found = compare(two[0], fewer)
    assert found.tests[0].counts == PairedCounts(3, 1, 2, 0)
    assert found.notes == ("6 videos compared, without 2 videos of A alone",)
    broken = write(tmp_path / "broken", {("vifi", ""): "x1111110"})
    found = compare(two[0], broken)
    assert found.tests[0].counts == PairedCounts(3, 0, 3, 1)
    assert found.notes == ("7 videos compared, without 1 video that a model could not read",)


def test_what_does_not_pair_is_refused(two: tuple[Path, Path], tmp_path: Path) -> None:
    other = write(tmp_path / "other", {("vifi", ""): RIGHT[1]}, labels=[1, *LABELS[1:]])
    with pytest.raises(
        InvalidInput, match=r"the true class of /v/0/clip.mp4 is 'run' in the first test and 'walk'"
    ):
        compare(two[0], other)
    many = write(tmp_path / "many", {("vifi", ""): RIGHT[1]}, classes=4)
    with pytest.raises(InvalidInput, match="the first model chose among 2 classes and the second among 4"):
        compare(two[0], many)
    few = write(tmp_path / "few", {("vifi", ""): RIGHT[1]}, videos="/w")
    table = (few / "predictions.csv").read_text().replace("/w/0/clip", "/v/0/clip")
    (few / "predictions.csv").write_text(table)
    with pytest.raises(InvalidInput, match="only 1 of 8 videos are in both tests"):
        compare(two[0], few)
    with pytest.raises(InvalidInput, match="has only the method 'clip': name another report too"):
        compare(two[0])
    with pytest.raises(InvalidInput, match="would be compared with itself"):
        compare(two[0], methods=["clip"])
    with pytest.raises(InvalidInput, match="3 methods are given"):
        compare(*two, methods=["a", "b", "c"])


def test_methods_of_one_report(tmp_path: Path) -> None:
    parts = {("vanilla CLIP", ""): RIGHT[0], ("ViFi-CLIP", ""): RIGHT[1], ("prompts alone", ""): RIGHT[1]}
    report = write(tmp_path / "r", parts)
    assert swapped(compare(report, methods=["vanilla", "vifi"])) == 0.25
    assert swapped(compare(report, methods=["ViFi-CLIP", "vanilla CLIP"])) == -0.25
    assert swapped(compare(report, methods=["prompts", "vanilla"])) == -0.25
    averaged = write(tmp_path / "w", {("ViFi-CLIP", ""): RIGHT[0], ("ViFi-CLIP, WiSE-FT 0.7", ""): RIGHT[1]})
    assert swapped(compare(averaged, methods=["vifi", "vifi@0.70"])) == 0.25
    listed = "it has the methods 'vanilla CLIP', 'ViFi-CLIP', 'prompts alone'"
    with pytest.raises(InvalidInput, match=f"{listed}; name two of them with --method"):
        compare(report)
    with pytest.raises(InvalidInput, match=f"--method clip is several of its methods: {listed}"):
        compare(report, methods=["clip", "vifi"])
    two = write(tmp_path / "two", {("vanilla CLIP", ""): RIGHT[0], ("ViFi-CLIP", ""): RIGHT[1]})
    assert swapped(compare(two)) == 0.25
    # both reports have the model that training started from
    runs = [
        write(tmp_path / name, {("starter", ""): RIGHT[0], (f"runs/{name}", ""): RIGHT[1]}) for name in "xy"
    ]
    assert [compare(*runs).first.name, compare(*runs).second.name] == ["runs/x", "runs/y"]
    with pytest.raises(InvalidInput, match="name the one of each report with --method"):
        compare(report, runs[0])
    assert swapped(compare(report, runs[0], methods=["vifi", "starter"])) == -0.25


def test_parts_pair_and_have_a_mean(tmp_path: Path) -> None:
    trained = {
        ("vifi", f"{part}, seed {seed}"): RIGHT[seed % 2] for part in ("base", "novel") for seed in (1, 2)
    }
    report = write(tmp_path / "r", {("clip", "base"): RIGHT[0], ("clip", "novel"): RIGHT[0]} | trained)
    found = compare(report)
    assert [test.part for test in found.tests] == [
        "base, seed 1", "base, seed 2", "novel, seed 1", "novel, seed 2", "base, mean of 2", "novel, mean of 2",
    ]  # fmt: skip
    assert [test.difference.value for test in found.tests] == [0.25, 0.0, 0.25, 0.0, 0.125, 0.125]
    mean = found.tests[-1]
    assert (mean.counts, mean.mcnemar) == (None, None)
    assert mean.difference.spread == pytest.approx(0.25 / 2**0.5)
    assert (mean.first.value, mean.second.value) == (0.5, 0.625)
    # of several splits, a test of one pairs with that
    splits = write(tmp_path / "s", {("a", f"split {n}"): RIGHT[1] for n in (1, 2)})
    table = (splits / "predictions.csv").read_text()
    table = "".join(
        line.replace("clip", "c") if "split 2" in line else line for line in table.splitlines(True)
    )
    (splits / "predictions.csv").write_text(table)
    single = write(tmp_path / "t", {("b", ""): RIGHT[0]})
    found = compare(splits, single)
    assert [test.part for test in found.tests] == ["split 1"]
    assert found.notes == (
        "split 2 is not compared: only 0 of 8 videos are in both tests: compare tests of the same videos",
    )
    other = write(tmp_path / "u", {("b", "novel"): RIGHT[0]})
    with pytest.raises(InvalidInput, match="no test in common"):
        compare(splits, other)


def test_files_that_make_no_sense_are_refused(two: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(
        InvalidInput, match=r"nowhere does not exist; name a report or a table of predictions"
    ):
        compare(tmp_path / "nowhere", two[0])
    (tmp_path / "old").mkdir()
    with pytest.raises(InvalidInput, match=r"old/predictions.csv does not exist; repeat the test"):
        compare(tmp_path / "old", two[0])
    bad = tmp_path / "bad.csv"
    for text, said in (
        ("path,true\na,b\n", "has no column 'predicted'; write path,true,predicted"),
        ("path,true,predicted\n", "has no prediction"),
        ("path,true,predicted\na,run,run\na,run,walk\n", "line 3 has a second prediction for a"),
        ("path,true,predicted,start\na,run,run,soon\n", "a: start and end are seconds, not soon"),
    ):
        bad.write_text(text)
        with pytest.raises(InvalidInput, match=said):
            compare(bad, bad, methods=[])
    lines = tmp_path / "bad.jsonl"
    for text, said in (
        ('{"path": "a"}\n', "line 1 needs the keys path, true, predicted"),
        ("[1]\n", "line 1 needs the keys"),
        ("{\n", "line 1 is not JSON"),
    ):
        lines.write_text(text)
        with pytest.raises(InvalidInput, match=said):
            compare(lines, two[0])


def test_videos_of_several_classes_are_refused(tmp_path: Path) -> None:
    videos = [LabeledVideo(Path("/a"), 0, more_labels=(1,)), LabeledVideo(Path("/b"), 1)]
    shares = np.full((2, 2), 0.5, np.float32)
    detail = detail_of_test("m", "", ("run", "walk"), Predictions(np.arange(2), shares), videos)
    write_predictions(tmp_path / "r", [detail])
    with pytest.raises(InvalidInput, match="some videos show several classes"):
        compare(tmp_path / "r", tmp_path / "r" / "predictions.jsonl")
