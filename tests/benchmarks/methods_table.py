"""The methods of `vifi eval --train` side by side, on people doing ten things who were never seen in training.

Data: the Weizmann actions (Blank et al., Actions as space-time shapes, 2005), a folder a class, the person being the
file name's first part. There are three folds. Each tests three people, so all nine people are tested once; of the other
six, one is for validation. Fold N trains with seed N.

Each method of each fold and setting runs in a process and a data folder of its own, which measures its processor time:
reading, training and testing. What is finished is kept, so repeat the command to continue, or to add methods.

    python -m tests.benchmarks.methods_table WEIZMANN OUTPUT [--methods vifi lora ...] [--settings base2novel ...]
    python -m tests.benchmarks.methods_table WEIZMANN OUTPUT --table
"""

import argparse
import csv
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks.finetune_accuracy import DESCRIPTIONS
from tests.benchmarks.methods_results import MethodResult, Test, read_results, shown_results

TESTED = (("daria", "denis", "eli"), ("ido", "ira", "lena"), ("lyova", "moshe", "shahar"))
VALIDATED = ("shahar", "daria", "ido")  # a person of each fold
METHODS = ("vanilla", "image-ft", "text-ft", "vifi", "bridge-prompt", "prompt")
SETTINGS = ("supervised", "base2novel", "few-shot-2")
RECIPE = ("frames=2", "validate_every=12", "prompt.validate_every=30")
"""Two frames a clip. Both recipes validate after the first and the last epoch only, so no epoch is chosen by luck."""


def main() -> None:
    """Runs what is missing, and prints the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weizmann", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--methods", nargs="+", default=METHODS)
    parser.add_argument("--settings", nargs="+", default=SETTINGS)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--table", action="store_true", help="only print the tables of what is finished")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    output: Path = arguments.output.absolute()
    if arguments.one:
        fold, setting, method = arguments.one
        run_method(output, int(fold), setting, method, arguments.model)
        return
    output.mkdir(parents=True, exist_ok=True)
    for fold in range(1, len(TESTED) + 1):
        write_fold(arguments.weizmann, output, fold)
    if not arguments.table:
        for setting in arguments.settings:
            for fold in range(1, len(TESTED) + 1):
                for method in arguments.methods:
                    run_in_own_process(arguments, output, (str(fold), setting, method))
    print(shown_results(read_results(output / "results")))


def write_fold(weizmann: Path, output: Path, fold: int) -> None:
    """Writes path, label, split and group of every clip."""
    with table_of(output, fold).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split", "group"])
        for name, description in DESCRIPTIONS.items():
            for path in sorted((weizmann / name).iterdir()):
                person = path.name.partition("_")[0]
                split = "val" if person == VALIDATED[fold - 1] else "train"
                split = "test" if person in TESTED[fold - 1] else split
                writer.writerow([path.absolute(), description, split, person])


def table_of(output: Path, fold: int) -> Path:
    """The table of a fold."""
    return output / f"fold{fold}.csv"


def run_in_own_process(arguments: argparse.Namespace, output: Path, one: tuple[str, str, str]) -> None:
    """Trains and tests a method, unless that is done; a data folder of its own, so that nothing is cached."""
    fold, setting, method = one
    result = output / "results" / f"fold{fold}_{setting}_{method}.json"
    if result.exists():
        return
    with tempfile.TemporaryDirectory(dir=output) as home:
        environment = {**os.environ, "VIFI_HOME": home, "HF_HUB_OFFLINE": "1"}
        command = [
            sys.executable,
            "-m",
            "tests.benchmarks.methods_table",
            str(arguments.weizmann),
            str(output),
        ]
        command += ["--model", arguments.model, "--one", *one]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    result.parent.mkdir(exist_ok=True)
    partial = result.with_suffix(".partial")
    partial.write_text(done.stdout.splitlines()[-1], encoding="utf-8")
    partial.replace(result)
    print(f"fold {fold}, {setting}, {method}: {json.loads(result.read_text())['seconds']:.0f} s", flush=True)


def run_method(output: Path, fold: int, setting: str, method: str, model: str) -> None:
    """Trains and tests a method in this process, and writes the result as the last line."""
    import vifi_cli

    folder = output / f"fold{fold}-{setting}"
    report = vifi_cli.evaluate(
        model,
        table_of(output, fold),
        setting,
        device="cpu",
        methods=[method],
        recipe=list(RECIPE),
        seeds=[fold],
        output=folder,
    )
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = sum(usage.ru_utime + usage.ru_stime for usage in used)
    tests = tuple(
        Test(detail.part, detail.scores.hits.tolist(), list(detail.scores.units)) for detail in report.details
    )
    for run in (folder / "runs").glob(f"{method}-*"):
        if method != "vifi":  # other methods start from its runs
            shutil.rmtree(run)
    print(
        json.dumps(asdict(MethodResult(report.table.rows[0].method, method, setting, fold, seconds, tests)))
    )


if __name__ == "__main__":
    main()
