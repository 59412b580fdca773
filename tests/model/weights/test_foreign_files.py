"""What stands where weights should be is called by its name, with what to do."""

import gzip
import io
import tarfile
import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from vifi_cli.errors import InvalidInput, ModelUnavailable
from vifi_cli.model.registry.source import resolve_model
from vifi_cli.model.weights.weights_file import read_weights

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 605157884\n"
PAGE = b"\n<!DOCTYPE html>\n<html><head><title>Google Drive - Virus scan warning</title></head></html>"


def tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model/visual"))
    return buffer.getvalue()


CONTENTS = {
    "empty": (b"", "is damaged: it is empty; fetch it again"),
    "pointer": (LFS, "is a Git LFS pointer.*run `git lfs pull`"),
    "page": (PAGE, "is a web page, not weights: fetch it again, logged in"),
    "xml": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "is a web page"),
    "json": (
        b'{"error": "Repository not found"}',
        r'is a text, not weights \(\{"error": "Repository not found"\}\)',
    ),
    "words": (b"Invalid username or password.", "is a text, not weights .Invalid username or password"),
    "gguf": (b"GGUF\x03\x00\x00\x00", "llama.cpp's format"),
    "keras": (b"\x89HDF\r\n\x1a\n\x00\x00", "in Keras's format"),
    "onnx": (b"\x08\x07\x12\x07pytorch\x1a\x052.1.0:\x80", "is an ONNX program"),
    "gzip": (gzip.compress(b"weights"), "compressed by gzip.*unpack it"),
    "tar": (tar(), "is a tar archive: unpack it"),
}


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("kind", CONTENTS)
def test_the_content_is_called_by_its_name(tmp_path: Path, kind: str, suffix: str) -> None:
    content, message = CONTENTS[kind]
    file = tmp_path / f"weights{suffix}"
    file.write_bytes(content)
    with pytest.raises(ModelUnavailable, match=message) as caught:
        read_weights(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_download_that_broke_off_is_recognized(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"weights{suffix}"
    weights = {"visual.proj": torch.ones(5000)}
    save_file(weights, file) if suffix == ".safetensors" else torch.save(weights, file)
    file.write_bytes(file.read_bytes()[:9000])
    with pytest.raises(ModelUnavailable, match="its end is missing, as after a download that broke off"):
        read_weights(file)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model.onnx", "is an ONNX program, which vifi does not read: save its weights"),
        ("model.gguf", "llama.cpp's format .GGUF."),
        ("model.msgpack", "is in Flax's format"),
        ("model.tflite", "is a TensorFlow Lite program"),
        ("weights.pt.crdownload", "is an unfinished download: fetch it again"),
        ("model-00001-of-00002.safetensors", "is one of 2 files of a model: name their folder"),
        ("model.safetensors.index.json", "lists the files of a model: name their folder"),
        ("notes.txt", "is not a weights file: those end in"),
    ],
)
def test_the_name_says_what_it_is(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InvalidInput, match=message):
        resolve_model(str(tmp_path / name))


def test_programs_of_torch_name_the_way_to_openai_weights(tmp_path: Path) -> None:
    file = tmp_path / "ViT-B-32.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about programs themselves
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), file)
    with pytest.raises(ModelUnavailable, match="TorchScript program, as OpenAI's own files are") as caught:
        read_weights(file)
    assert "ViT-B-32/openai" in str(caught.value)
