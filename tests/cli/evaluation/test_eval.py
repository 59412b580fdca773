"""`vifi eval` as a user runs it: after a run, with training, on public sets, with leaks, asked for nonsense."""

import csv
import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.advised_commands import commands_in
from tests.cli.conftest import Outcome, Vifi
from tests.cli.training.test_finetune import run_in_two_processes
from tests.made_videos import solid_colour_clip
from tests.model.conftest import make_tiny_clip
from vifi_cli.api.evaluation.request import run_and_models
from vifi_cli.model.registry.card import read_card
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.storage.loading import load_vifi_clip
from vifi_cli.model.storage.writing import write_model_folder

COLOURS = ("red", "green", "blue", "yellow")
QUICK = ("frames=2", "epochs=1", "effective_batch=4", "warmup_epochs=0")


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three clips of each colour to learn from, two to be tested with, by a table."""
    folder = tmp_path_factory.mktemp("colours")
    with (folder / "colours.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split"])
        for colour in COLOURS:
            for number in range(5):
                path = folder / f"{colour}_{number}.mp4"
                solid_colour_clip(path, [(colour, 0.4), ("black", 0.1 * number)])
                writer.writerow([path.name, colour, "train" if number < 3 else "test"])
    return folder / "colours.csv"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_clip(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIFI_DATA", raising=False)
    return tmp_path


def recipe(*changes: str) -> list[str]:
    return [part for change in (*QUICK, *changes) for part in ("--recipe", change)]


def document(outcome: Outcome) -> dict[str, Any]:
    assert outcome.exit_code == 0, outcome.stderr
    found: dict[str, Any] = json.loads(outcome.stdout)
    return found


def facts_of(found: dict[str, Any]) -> dict[str, str]:
    return {fact["name"]: fact["value"] for fact in found["facts"]}


def rows(found: dict[str, Any]) -> dict[str, list[float | None]]:
    """The values of each row of a report's table."""
    return {row["method"]: [figure and figure["value"] for figure in row["figures"]] for row in found["rows"]}


def test_without_flags_the_newest_run_is_tested_beside_its_base(
    vifi: Vifi, colours: Path, tiny: Path, here: Path
) -> None:
    trained = vifi("finetune", "--data", colours, "--model", tiny, "-o", here / "runs" / "one", *recipe())
    assert trained.exit_code == 0, trained.stderr
    found = vifi("eval", "--json", "-o", "report")
    report = document(found)
    best = here / "runs" / "one" / "best"
    assert found.stderr.splitlines()[0] == (
        f"model: {best}; data: {colours}; setting: supervised; views: 1x1"
    )
    assert report["columns"] == ["top-1", "mean class", "macro F1", "ECE"], "no top-5 of four classes"
    assert [test["top5"] for test in report["tests"]] == [None, None]
    assert list(rows(report)) == [str(tiny), "runs/one/best"]
    facts = facts_of(report)
    assert facts["Views"] == "1 x 1, clips in time x crops in space"
    assert {(row["frames"], row["views"], row["protocol"]) for row in report["rows"]} == {
        (2, "1x1", "default")
    }
    assert "tested with 2 frames, 1x1 views" in found.stderr
    # the videos, views and frames are those of the run's own test, and so is the number
    told = json.loads((here / "runs" / "one" / "metrics.jsonl").read_text().splitlines()[-1])["scores"]
    assert (told["split"], told["frames"], told["views"]) == ("test", 2, "1x1")
    assert rows(report)["runs/one/best"][0] == told["top1"]
    assert facts["Frames"] == "2 a clip"
    assert "Pixels" not in facts, "each model's own"
    assert facts["Model runs/one/best"].startswith("epoch 1 of 1, the last, embedding fusion")
    assert facts["Leaks"] == "none found"
    assert {file.name for file in (here / "report").iterdir()} >= {"report.json", "report.html", "report.md"}
    assert not report["notes"], "nothing to explain"
    other = document(vifi("eval", "--views", "2x1", "--frames", "4", "--json", "-o", "other"))
    (note,) = other["notes"]
    share = f"{100 * told['top1']:.1f}"
    assert note == (
        f"Training reported top-1 {share} of runs/one/best on 8 test videos with 2 frames, 1x1 views. "
        "This test has 4 frames, 2x1 views, so the numbers differ."
    )
    run, named = run_and_models((str(tiny), str(best)))
    assert run
    assert (run.data, named) == (str(colours), (str(tiny), str(best))), "whichever model has a run"
    # what it learned from gives the whole data away
    leaky = vifi("eval", "--setting", "base2novel")
    assert leaky.exit_code == 2
    assert leaky.stderr.splitlines()[-1] == (
        f"error: {best} has learned 2 of the 2 novel classes, such as 'red'; train without them by "
        f"`vifi finetune --data {colours} --setting base2novel --model {tiny}`, or train and test by "
        f"`vifi eval --train --setting base2novel --data {colours} --model {tiny}`; "
        "--allow-leak goes on and marks the result"
    )
    # the first of these commands, quick, gives a model whose test is no leak
    advised = commands_in(leaky.stderr)[0].removeprefix("vifi ")
    trained = vifi(*shlex.split(advised), *recipe(), "-o", here / "runs" / "two")
    assert trained.exit_code == 0, trained.stderr
    assert facts_of(document(vifi("eval", "--json", "-o", "novel")))["Leaks"] == "none found"
    allowed = vifi(
        "eval", "-m", best, "--setting", "base2novel", "--allow-leak", "--json", "-o", "leaky"
    )  # fmt: skip
    marked = document(allowed)
    stamp = f"warning: leak: {best} has learned 2 of the 2 novel classes, such as 'red'"
    assert stamp in allowed.stderr.splitlines()
    assert list(rows(marked)) == [str(tiny), "runs/one/best (leak)"]
    assert marked["stamps"]
    assert "leak" in (here / "leaky" / "report.html").read_text()


def test_training_videos_among_the_tests_are_refused(
    vifi: Vifi, colours: Path, tiny: Path, here: Path
) -> None:
    run = here / "elsewhere" / "run"
    vifi("finetune", "--data", colours, "--model", tiny, "-o", run, *recipe())
    turned = here / "turned.csv"
    with turned.open("w") as file:
        file.write("path,label,split\n")
        for colour in COLOURS:
            file.write(f"{colours.parent / f'{colour}_0.mp4'},{colour},test\n")
            file.write(f"{colours.parent / f'{colour}_4.mp4'},{colour},train\n")
    outcome = vifi("eval", "--model", run / "last", "--data", turned, "--setting", "few-shot-1")
    assert outcome.exit_code == 2
    assert "4 training videos of" in outcome.stderr
    assert "(the same file as red_0.mp4)" in outcome.stderr
    # the run itself is not a model
    assert "did you mean" in vifi("eval", "--model", run, "--data", turned, "--setting", "zero-shot").stderr


@pytest.mark.slow
def test_methods_are_trained_once_and_put_side_by_side(
    vifi: Vifi, colours: Path, tiny: Path, here: Path
) -> None:
    command = (
        "eval", "vanilla", "bridge-prompt", "prompt", "--train", "--setting", "base2novel", "--data", colours,
        "--model", tiny, "-o", here / "out", "--json", *recipe("prompt.prompts.text_context=2"),
    )  # fmt: skip
    first = vifi(*command)
    report = document(first)
    assert "run 9 of 9: prompts alone, seed 3" in first.stderr
    assert report["columns"] == ["base", "novel", "HM"]
    values = rows(report)
    assert list(values) == ["vanilla CLIP", "bridge and prompt", "prompts alone"]
    assert (
        facts_of(report)["Bridge"] == "fine-tuned on the training list itself; the paper's is on Kinetics-400"
    )
    for base, novel, mean in values.values():
        assert base is not None
        assert novel is not None
        assert mean == pytest.approx(2 * base * novel / (base + novel) if base + novel else 0)
    runs = here / "out" / "runs"
    assert {run.name for run in runs.iterdir()} == {
        f"{method}-seed{seed}" for method in ("vifi", "bridge-prompt", "prompt") for seed in (1, 2, 3)
    }
    bases = {run.name: read_card(run / "best").base for run in runs.iterdir() if "prompt" in run.name}
    assert {name: base and base.model for name, base in bases.items()} == {
        f"bridge-prompt-seed{seed}": str(runs / f"vifi-seed{seed}" / "best") for seed in (1, 2, 3)
    } | {f"prompt-seed{seed}": str(tiny) for seed in (1, 2, 3)}
    written = {run.name: (run / "metrics.jsonl").stat().st_mtime_ns for run in runs.iterdir()}
    again = vifi(*command)
    assert rows(document(again)) == values
    assert written == {run.name: (run / "metrics.jsonl").stat().st_mtime_ns for run in runs.iterdir()}
    other = vifi(*command, "--recipe", "learning_rate=1e-3")
    assert other.exit_code == 2
    assert "holds another run" in other.stderr


def test_files_of_other_people_are_others_though_their_names_are_the_same(
    vifi: Vifi, tiny: Path, here: Path
) -> None:
    lines = ["path,label,group"]
    for person in range(5):
        for colour in COLOURS:
            path = here / f"person{person}" / f"{colour}.mp4"
            path.parent.mkdir(exist_ok=True)
            solid_colour_clip(path, [(colour, 0.3), ("black", 0.1 * person)])
            lines.append(f"{path},{colour},person{person}")
    (here / "people.csv").write_text("\n".join(lines))
    outcome = vifi(
        "eval", "vanilla", "--train", "--setting", "base2novel", "--data", here / "people.csv",
        "--model", tiny, "-o", here / "out", "--json", *recipe("frames=4"),
    )  # fmt: skip
    said: dict[str, set[float]] = {}
    for test in document(outcome)["tests"]:
        for mistake in test["mistakes"]:
            if test["part"].startswith("base"):
                said.setdefault(Path(mistake["file"]).parent.name, set()).add(mistake["probability"])
    first, second, *_ = said.values()
    assert not first & second


def test_shots_that_classes_do_not_have_are_said(vifi: Vifi, colours: Path, tiny: Path, here: Path) -> None:
    outcome = vifi(
        "eval", "fusion-image", "--train", "--setting", "few-shot", "--data", colours, "--model", tiny,
        "-o", here / "out", "--json", *recipe(),
    )  # fmt: skip
    report = document(outcome)
    assert report["columns"] == ["2 shots", "4 shots"]
    assert "4 classes have fewer than 4 training videos: all of them are used" in outcome.stderr
    assert "8 shots are skipped: no class has more than 3 training videos" in outcome.stderr
    assert "tested with 2 frames, 1x1 views" in outcome.stderr
    assert {run.name for run in (here / "out" / "runs").iterdir()} == {"fusion-image-K2", "fusion-image-K4"}


@pytest.mark.slow
def test_two_processes_and_one_give_the_same_numbers(
    vifi: Vifi, colours: Path, tiny: Path, tmp_path: Path
) -> None:
    arguments = ("eval", "--setting", "supervised", "--data", colours, "--model", tiny, "--json", "-o")
    one = document(vifi(*arguments, tmp_path / "1"))
    two = json.loads(run_in_two_processes(*arguments, tmp_path / "2"))
    assert one["rows"] == two["rows"]
    assert one["tests"][0]["videos"] == 8
    assert one["tests"][0]["confusion"] == two["tests"][0]["confusion"]
    assert facts_of(two)["Device"] == "2 x cpu"


@pytest.fixture(scope="module")
def ucf101(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with a few clips called as in UCF-101, and its three official splits of them."""
    root = tmp_path_factory.mktemp("data")
    lists = root / "ucf101" / "ucfTrainTestlist"
    lists.mkdir(parents=True)
    for number in (1, 2, 3):
        files = []
        for name, colour in (("Archery", "red"), ("Basketball", "blue"), ("YoYo", "green")):
            file = f"{name}/v_{name}_g0{number}_c01.avi"
            path = root / "ucf101" / Path(file).name.replace(".avi", ".mp4")
            solid_colour_clip(path, [(colour, 0.3), ("black", 0.1 * number)])
            files.append(file)
        if number == 2:  # the second list has a video more, and so another weight in no mean
            files.append(files[0].replace("_g02_", "_g01_"))
        (lists / f"testlist0{number}.txt").write_text("\n".join(files))
    return root


def test_official_splits_are_columns(
    vifi: Vifi, ucf101: Path, tiny: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIFI_DATA", str(ucf101))
    model = load_vifi_clip(resolve_model(str(tiny)))
    knows = ("apply eye makeup", "archery")  # as a checkpoint of Kinetics-400 has its classes
    tuned = replace(model.card, class_names=knows, tuned=("image", "text"), origin={"checkpoint": "k400.pth"})
    write_model_folder(here / "tuned", model.network, tuned)
    outcome = vifi(
        "eval", "--setting", "zero-shot", "--data", "ucf101", "--model", tiny, "--model", here / "tuned",
        "--protocol", "paper", "--published", "-o", "report", "--json",
    )  # fmt: skip
    report = document(outcome)
    assert report["columns"] == ["split 1", "split 2", "split 3", "mean"]
    values = rows(report)
    *splits, mean = values[str(tiny)]
    assert mean == pytest.approx(sum(value or 0 for value in splits) / 3)
    assert values["ViFi-CLIP"] == [None, None, None, pytest.approx(0.768)]
    facts = facts_of(report)
    assert facts["Frames"] == "32 a clip"
    assert facts["Pixels"].startswith("normalized by ImageNet's mean and std for every model")
    assert facts["Test list split 2"].startswith("4 videos of 101 classes, sha256 ")
    assert "class texts such as 'ApplyEyeMakeup'" in facts[f"Model {tiny}"]
    assert "class texts such as 'a photo of a ApplyEyeMakeup.'" in facts["Model tuned"], "as published"
    second = vifi(
        "eval", "--setting", "zero-shot", "--data", "ucf101:2", "--model", tiny, "--published",
    )  # fmt: skip
    assert second.exit_code == 0, second.stderr
    assert "the paper has no results" in second.stderr
    header, line = second.stdout.splitlines()
    assert header.split("\t")[0] == "Method"
    assert header.count("\t") == line.count("\t")
    assert line.startswith(f"{tiny}\t")
    assert len(list((here / "reports").glob("zero-shot-ucf101-*/report.json"))) == 1


def test_models_and_texts_stand_side_by_side(vifi: Vifi, colours: Path, tiny: Path, here: Path) -> None:
    texts = here / "texts.json"
    texts.write_text(json.dumps({"templates": ["{} things", "a picture of {}"]}))
    other = make_tiny_clip(here / "other", seed=1)
    outcome = vifi(
        "eval", "--setting", "zero-shot", "--data", colours, "--model", tiny, "--model", other,
        "--texts", texts, "-o", "report", "--json",
    )  # fmt: skip
    report = document(outcome)
    assert list(rows(report)) == [str(tiny), f"{tiny} + {texts}", "other", f"other + {texts}"]
    assert facts_of(report)[f"Texts {texts}"] == "2 templates: '{} things', 'a picture of {}'"
    assert "all its test videos are one list" in outcome.stderr
    assert report["columns"] == ["top-1", "mean class", "macro F1", "ECE"]


def trained_with(frames: int, folder: Path, start: Path) -> Path:
    """A model whose card says with how many frames it was trained."""
    loaded = load_vifi_clip(resolve_model(str(start)))
    write_model_folder(folder, loaded.network, replace(loaded.card, origin={"frames": str(frames)}))
    return folder


def test_each_model_is_tested_with_the_frames_of_its_training(vifi: Vifi, tiny: Path, here: Path) -> None:
    for name, colours in (("a", ("red", "blue", "lime")), ("b", ("blue", "red", "lime"))):
        solid_colour_clip(here / f"{name}.mp4", [(colour, 0.4) for colour in colours])
    (here / "clips.csv").write_text("path,label\na.mp4,red\nb.mp4,blue\n")
    two, three = (trained_with(count, here / str(count), tiny) for count in (2, 3))
    command = ("eval", "--setting", "zero-shot", "--data", here / "clips.csv", "--json")
    both = document(outcome := vifi(*command, "-m", tiny, "-m", three, "-m", two))
    assert [row["frames"] for row in both["rows"]] == [3, 3, 2], "untrained as the first trained one"
    assert facts_of(both)["Frames of 2"] == "2 a clip"
    assert "tested with 2 frames, 1x1 views" in outcome.stderr
    assert any("--frames" in note for note in both["notes"])
    alone = document(vifi(*command, "-m", two))
    assert alone["rows"] == both["rows"][2:]
    assert alone["tests"] == both["tests"][2:], "probabilities of mistakes included"
    alike = document(vifi(*command, "-m", three, "-m", two, "--frames", 2))
    assert [row["frames"] for row in alike["rows"]] == [2, 2]
    assert alike["tests"][1] == alone["tests"][0]
    assert facts_of(alike)["Frames"] == "2 a clip"


def test_without_a_run_the_model_of_the_settings_is_tested(
    vifi: Vifi, colours: Path, tiny: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIFI_MODEL", str(tiny))
    outcome = vifi("eval", "--data", colours, "-o", "report", "--json")
    assert list(rows(document(outcome))) == [str(tiny)]
    assert facts_of(json.loads(outcome.stdout))["Setting"] == "supervised"
    assert f"setting: supervised, since {colours} has test videos" in outcome.stderr
    assert f"model: {tiny} (set by VIFI_MODEL); data: {colours}" in outcome.stderr


def test_a_broken_test_video_is_told_and_left_out(vifi: Vifi, tiny: Path, here: Path) -> None:
    for colour in ("red", "blue"):
        solid_colour_clip(here / f"{colour}.mp4", [(colour, 0.3)])
    (here / "bad.mp4").write_bytes(b"no video")
    (here / "clips.csv").write_text("path,label\nred.mp4,red\nblue.mp4,blue\nbad.mp4,red\n")
    outcome = vifi("eval", "--setting", "zero-shot", "--data", here / "clips.csv", "--model", tiny, "--json")
    report = document(outcome)
    assert "1 test video left out that cannot be read" in outcome.stderr
    assert f"  {here / 'bad.mp4'}: " in outcome.stderr
    assert [test["videos"] for test in report["tests"]] == [2]


def test_a_test_without_a_readable_video_has_no_score(vifi: Vifi, tiny: Path, here: Path) -> None:
    for name in ("one", "other"):
        (here / f"{name}.mp4").write_bytes(b"no video")
    (here / "clips.csv").write_text("path,label\none.mp4,red\nother.mp4,blue\n")
    outcome = vifi(
        "eval", "--setting", "zero-shot", "--data", here / "clips.csv", "--model", tiny, "-o", "out"
    )
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert f"error: none of the 2 test videos of {here / 'clips.csv'} can be read" in outcome.stderr
    assert not (here / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "runs/ has no run yet: name a model with --model and videos with --data; for a run elsewhere, "
         "--model FOLDER/best is enough"),
        (("--setting", "zeroshot"), "--setting zeroshot: the settings are zero-shot"),
        (("--model", "{tiny}"), "--data is missing"),
        (("--model", "runs/one/best"), "no model 'runs/one/best'"),
        (("--model", "{tiny}", "--data", "{three}"), "--setting is missing: name zero-shot, base2novel, few-shot"),
        (("--model", "{tiny}", "--data", "hmdb51"), "--setting is missing"),
        (("--model", "{tiny}", "--data", "{colours}", "--setting", "zeroshot"), "--setting zeroshot: the settings"),
        (("vifi",), "vifi is a method to train: add --train"),
        (("vivi", "--train", "--data", "{colours}"), "'vivi' is not a method"),
        (("--train", "--data", "{colours}"), "--setting is missing"),
        (("--train", "--setting", "few-shot"), "--data is missing"),
        (("--train", "--model", "a", "--model", "b"), "names the one model that training starts from"),
        (("--queries", "a.csv", "--setting", "zero-shot"), "--queries goes with --setting retrieval"),
        (("--setting", "retrieval"), "--queries is missing"),
        (("--setting", "retrieval", "--train"), "--train does not go with --setting retrieval"),
        (("--setting", "retrieval", "--data", "x"), "--data does not go with --setting retrieval"),
        (("--setting", "retrieval", "--data-root", "x"), "--data-root does not go with --setting retrieval"),
        (("--setting", "moments"), "--queries is missing: name a CSV with the columns file, query, start and end"),
        (("--recipe", "epochs=2"), "--recipe goes with --train"),
        (("--views", "4x2"), "--views 4x2: write clips in time x crops in space, such as 4x3; crops are 1 or 3"),
        (("--setting", "retrieval", "--views", "1x1"), "--views does not go with --setting retrieval"),
        (("--setting", "zero-shot", "--model", "nothing/here", "--data", "{colours}"), "no model"),
        (("--setting", "zero-shot", "--model", "{tiny}", "--data", "nowhere"), "nowhere does not exist"),
        (("--setting", "zero-shot", "--model", "{tiny}", "--data", "{one}"), "only one class, 'red'"),
        (("--setting", "base2novel", "--model", "{tiny}", "--data", "{three}"), "too few classes for base2novel"),
        (("--setting", "zero-shot", "--model", "{tiny}", "--data", "{colours}", "--texts", "none"),
         "none is not a file"),
        (("--setting", "zero-shot", "--model", "{tiny}", "--data", "{colours}", "-o", "{full}"), "and is not a report"),
        (("--setting", "zero-shot", "--model", "{tiny}", "--data", "{colours}", "-o", "{full}/letter.txt/report"),
         "letter.txt is not a folder; name another --output"),
        (("--train", "--setting", "supervised", "--model", "{tiny}", "--data", "{grouped}"),
         "6 training videos of these lists give tests away, such as red_1.mp4 (of the same group as"),
        (("--train", "--setting", "zero-shot", "--model", "{tiny}", "--data", "{colours}"),
         "k400 is not on this machine"),
        (
            ("--train", "--setting", "few-shot", "--model", "{tiny}", "--data", "{colours}", "--recipe", "epoch=1"),
            "there is no key epoch",
        ),
        (
            ("--train", "--setting", "few-shot-2", "--model", "{tiny}", "--data", "{colours}",
             "--recipe", "prompt.prompts.text_context=99"),
            "text_context = 99 leaves no room for a name",
        ),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said_in_a_line(
    vifi: Vifi, colours: Path, tiny: Path, here: Path, arguments: tuple[str, ...], message: str
) -> None:
    tables = {}
    for name, classes in (("one", COLOURS[:1]), ("three", COLOURS[:3])):
        tables[name] = here / f"{name}.csv"
        lines = [f"{colours.parent / f'{colour}_{n}.mp4'},{colour}\n" for colour in classes for n in range(3)]
        tables[name].write_text("path,label\n" + "".join(lines))
    tables["grouped"] = here / "grouped.csv"
    lines = [
        f"{colours.parent / f'{colour}_{n}.mp4'},{colour},{'train' if n else 'test'},someone\n"
        for colour in COLOURS[:3]
        for n in range(3)
    ]
    tables["grouped"].write_text("path,label,split,group\n" + "".join(lines))
    (here / "full").mkdir()
    (here / "full" / "letter.txt").write_text("kept")
    filled = [part.format(colours=colours, tiny=tiny, full=here / "full", **tables) for part in arguments]
    outcome = vifi("eval", *filled)
    assert outcome.exit_code == 2
    assert message in outcome.stderr.splitlines()[-1]
    assert outcome.stderr.splitlines()[-1].startswith("error: ")
    assert "bug" not in outcome.stderr
    assert not outcome.stdout
    assert not list(here.glob("**/metrics.jsonl"))


def test_after_a_run_that_was_stopped_the_way_to_continue_is_said(vifi: Vifi, here: Path) -> None:
    (here / "runs" / "moves").mkdir(parents=True)
    (here / "runs" / "moves" / "config.toml").touch()
    outcome = vifi("eval")
    assert outcome.exit_code == 2
    assert "no run in runs/ has a best model yet: continue one, as `vifi runs` shows, or" in outcome.stderr
