"""Downloads the wheels that the checks need on a machine with PyTorch and torchvision but without a network.

    python -m tests.device_checks.wheels wheels/ --python 3.12

There, `pip install --no-deps --no-index wheels/*.whl` installs them. FAISS is not among them.
"""

import argparse
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

MOST_BYTES = 64 * 2**20
ALREADY_THERE = {
    *(
        "torch",
        "torchvision",
        "triton",
        "numpy",
        "sympy",
        "mpmath",
        "networkx",
        "jinja2",
        "markupsafe",
        "setuptools",
    ),
    *("fsspec", "typing-extensions", "scipy", "scikit-learn", "pandas", "onnx", "onnxruntime", "matplotlib"),
    *("opencv-python-headless", "pytest", "vifi", "pip", "mypy"),
    *(
        "transformers",
        "wandb",
        "dill",
        "protobuf",
        "googleapis-common-protos",
    ),  # imported where they are installed
}
"""Come with PyTorch, are large, or are not needed by the checks."""


def main() -> None:
    """Download the wheels, and show them with their size; exits with 1 if they are too large."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python", default="3.12", help="version of Python on the other machine")
    options = parser.parse_args()
    target = "--no-deps --only-binary=:all: --platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64"
    target += f" --python-version {options.python}"
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-c",
        "constraints.txt",
        "-q",
        "-d",
        str(options.folder),
        *target.split(),
        *needed(),
    ]
    subprocess.run(command, check=True)
    wheels = sorted(options.folder.glob("*.whl"))
    for wheel in wheels:
        print(f"{wheel.stat().st_size / 2**20:6.1f} MiB  {wheel.name}")
    total = sum(wheel.stat().st_size for wheel in wheels)
    print(f"{total / 2**20:6.1f} MiB  of {MOST_BYTES / 2**20:.0f}")
    raise SystemExit(total > MOST_BYTES)


def needed() -> list[str]:
    """The distributions, beyond those that are there, of all modules that the checks import."""
    program = "import tests.device_checks.check as checks, sys; checks.declare_missing_operators(); import open_clip"
    program += "; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    homes = packages_distributions()
    names = {name for module in loaded.split() for name in homes.get(module.partition(".")[0], ())}
    return sorted(
        name
        for name in names
        if name.lower() not in ALREADY_THERE and not name.startswith(("nvidia", "opentelemetry"))
    )


if __name__ == "__main__":
    main()
