"""Weights files that would fill the memory are refused before they are read, and usual ones are not."""

import json
import pickle
import struct
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from vifi_cli.errors import ModelUnavailable
from vifi_cli.model.weights.restricted_pickle import read_pickled
from vifi_cli.model.weights.weights_file import read_weights

WEIGHTS = {"logit_scale": torch.tensor(4.6), "visual.proj": torch.arange(6.0).reshape(2, 3)}


def rewritten(path: Path, *, deflated: bool = False, description: bytes | None = None) -> Path:
    """A checkpoint of torch whose archive is compressed, or describes its tensors with other bytes."""
    torch.save(WEIGHTS, path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    kind = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in members.items():
            is_replaced = description is not None and name.endswith("data.pkl")
            archive.writestr(name, description if is_replaced and description is not None else content)
    return path


@pytest.mark.parametrize("is_zip", [True, False])
def test_usual_checkpoints_are_read(tmp_path: Path, is_zip: bool) -> None:
    torch.save({"state_dict": WEIGHTS, "epoch": 3}, tmp_path / "a.pth", _use_new_zipfile_serialization=is_zip)
    found = read_weights(tmp_path / "a.pth")
    assert found.keys() == WEIGHTS.keys()
    assert all(torch.equal(found[name], WEIGHTS[name]) for name in WEIGHTS)


def test_a_compressed_archive_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """3 GB of zeros take 3 MB when they are compressed; reading them took as much memory."""
    path = rewritten(tmp_path / "bomb.pth", deflated=True, description=pickle.dumps("0" * 200_000_000))
    assert path.stat().st_size < 1_000_000
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from vifi_cli.errors import ModelUnavailable\n"
        "from vifi_cli.model.weights.restricted_pickle import read_pickled\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n    read_pickled(Path(sys.argv[1]))\n"
        "except ModelUnavailable as error:\n    print(error)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    message, grown_kb = answer.stdout.splitlines()
    assert message == f"{path} is refused: it is compressed, as torch never does; save its weights again"
    assert int(grown_kb) < 100_000


def test_a_description_that_is_too_long_is_refused(tmp_path: Path) -> None:
    """A byte of a pickle can become 56 in memory: an empty list."""
    many = b"\x80\x02(" + b"]" * (17 * 2**20) + b"l."
    path = rewritten(tmp_path / "lists.pth", description=many)
    with pytest.raises(ModelUnavailable, match="more than 16 MB describe its weights; save them alone"):
        read_pickled(path)
    (tmp_path / "plain.bin").write_bytes(pickle.dumps(["0" * (17 * 2**20)]))
    with pytest.raises(ModelUnavailable, match="more than 16 MB describe its weights; save them alone"):
        read_pickled(tmp_path / "plain.bin")


@pytest.mark.parametrize("is_zip", [True, False])
def test_one_value_that_claims_to_be_a_billion_is_refused(tmp_path: Path, is_zip: bool) -> None:
    endless = torch.zeros(1).expand(40_000_000_000)
    torch.save({"visual.proj": endless}, tmp_path / "a.pth", _use_new_zipfile_serialization=is_zip)
    assert (tmp_path / "a.pth").stat().st_size < 10_000
    with pytest.raises(ModelUnavailable, match=r"holds fewer values than visual\.proj claims"):
        read_weights(tmp_path / "a.pth")


def test_sparse_tensors_are_refused(tmp_path: Path) -> None:
    warnings.simplefilter("ignore")  # about sparse tensors that are not checked
    sparse = torch.sparse_coo_tensor(torch.tensor([[0]]), torch.tensor([1.0]), (40_000_000_000,))
    torch.save({"visual.proj": sparse}, tmp_path / "a.pth")
    with pytest.raises(ModelUnavailable, match="refused"):
        read_weights(tmp_path / "a.pth")


def test_a_header_of_safetensors_that_is_too_long_is_refused(tmp_path: Path) -> None:
    save_file(WEIGHTS, tmp_path / "a.safetensors")
    assert read_weights(tmp_path / "a.safetensors").keys() == WEIGHTS.keys()
    header = json.dumps({"__metadata__": {"a": "0" * (17 * 2**20)}}).encode()
    (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    with pytest.raises(ModelUnavailable, match="more than 16 MB describe its weights"):
        read_weights(tmp_path / "a.safetensors")
