"""The paper's methods side by side on people doing ten things, three of the nine people never seen in training.

Data: the Weizmann actions (Blank et al., Actions as space-time shapes, 2005), a folder a class, the person being the
file name's first part. It runs `vifi eval --train` with a table in which daria, ido and shahar are the test, groups
being the people, and shows the report. A run that was interrupted goes on where it was.

    python -m tests.benchmarks.methods_table WEIZMANN OUTPUT --setting base2novel --model starter [--recipe ...]
"""

import argparse
import csv
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.benchmarks.finetune_accuracy import DESCRIPTIONS

HELD_OUT = ("daria", "ido", "shahar")


def main() -> None:
    """Trains, tests and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weizmann", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--setting", default="base2novel")
    parser.add_argument("--model", default="starter")
    parser.add_argument("--methods", nargs="+", default=[])
    parser.add_argument("--recipe", action="append", default=[])
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    table = arguments.output / "weizmann.csv"
    write_table(arguments.weizmann, table)
    report = arguments.output / f"{arguments.setting}-{Path(arguments.model).name}"
    recipe = [part for change in arguments.recipe for part in ("--recipe", change)]
    command = ["eval", *arguments.methods, "--train", "--setting", arguments.setting, "--data", str(table)]
    command += ["--model", arguments.model, "--output", str(report), *recipe]
    environment = {**os.environ, "VIFI_HOME": str(arguments.output / "home"), "HF_HUB_OFFLINE": "1"}
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "vifi_cli", *command], env=environment, check=True)
    print((report / "report.md").read_text(encoding="utf-8"))
    print(f"{(time.perf_counter() - started) / 60:.1f} minutes")


def write_table(weizmann: Path, table: Path) -> None:
    """Writes path, label, split and group of every clip."""
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split", "group"])
        for name, description in DESCRIPTIONS.items():
            for path in sorted((weizmann / name).iterdir()):
                person = path.name.partition("_")[0]
                split = "test" if person in HELD_OUT else "train"
                writer.writerow([path.absolute(), description, split, person])


if __name__ == "__main__":
    main()
