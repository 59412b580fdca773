"""Fetches weights from the Hugging Face hub, and chooses a model where the user named none.

`$HF_ENDPOINT`, `$HF_HOME` and `$HF_HUB_OFFLINE` mean here what they mean to `huggingface_hub`.
"""

import hashlib
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from vifi_cli.errors import MissingDependency, ModelUnavailable
from vifi_cli.model.registry.backbones import DEFAULT_MODEL, STARTER, find_backbone
from vifi_cli.model.registry.packaged_weights import INSTALL_COMMAND, starter_is_installed
from vifi_cli.model.registry.source import ModelSource, resolve_model

Progress = Callable[[int, int], None]
# open_clip's names of the file in a repository, the safe one first
_WEIGHT_NAMES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_SHA256_DIGITS = 64


def hub_endpoint() -> str:
    """The address of the hub, without a slash at the end."""
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


def hub_reachable(timeout_seconds: float = 3.0) -> bool:
    """Whether the hub answers; known within `timeout_seconds`, finding its address included."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return False
    answered = threading.Event()

    def ask() -> None:
        if _answers(hub_endpoint(), timeout_seconds):
            answered.set()
        finished.set()

    # The search for an address knows no time limit of its own, so a thread is asked and not waited for.
    finished = threading.Event()
    threading.Thread(target=ask, daemon=True).start()
    finished.wait(timeout_seconds)
    return answered.is_set()


def _answers(endpoint: str, timeout_seconds: float) -> bool:
    request = urllib.request.Request(endpoint, method="HEAD", headers={"User-Agent": "vifi"})
    try:
        with urllib.request.urlopen(request, timeout=timeout_seconds):
            return True
    except urllib.error.HTTPError as error:
        # an answer is an answer, unless it is that of a proxy which lets nobody through or finds nobody
        return error.code < 500 and error.code not in (403, 407)
    except (OSError, ValueError):
        return False


def is_cached(name: str) -> bool:
    """Whether a model can be loaded without the hub."""
    source = _source_of_weights(name)
    if source.kind == "starter":
        return starter_is_installed()
    return source.kind != "pretrained" or cached_weights(source) is not None


def _source_of_weights(name: str) -> ModelSource:
    """What a model's name means; of a prompt model, its base."""
    source = resolve_model(name)
    if source.kind != "vifi":
        return source
    # cards need numpy, and the table of models is read without it
    from vifi_cli.model.folders.prompt_base import weights_source

    return weights_source(source)


def cached_weights(source: ModelSource) -> Path | None:
    """Where the weights of a `pretrained` source lie, if they have been fetched."""
    if source.kind != "pretrained":
        return None
    from huggingface_hub import try_to_load_from_cache

    repository, names = _place(source)
    found = (try_to_load_from_cache(repository, name) for name in names)
    return next((Path(path) for path in found if isinstance(path, str)), None)


def choose_default_model() -> tuple[str, str]:
    """Name the model to use where the user named none, and say why.

    Raises:
        ModelUnavailable: the default model is not here, the hub cannot be reached and `starter` is not installed.
    """
    if is_cached(DEFAULT_MODEL):
        return DEFAULT_MODEL, "the default, already on this machine"
    if hub_reachable():
        return DEFAULT_MODEL, "the default, to be fetched once"
    if starter_is_installed():
        return STARTER, (
            f"the hub cannot be reached to fetch {DEFAULT_MODEL}, and starter needs none; "
            "it knows fewer things, see `vifi model list`"
        )
    raise ModelUnavailable(
        f"{DEFAULT_MODEL} is not on this machine and {hub_endpoint()} cannot be reached: "
        f"connect and run `vifi model pull {DEFAULT_MODEL}`, or {INSTALL_COMMAND}"
    )


def pull(name: str, on_progress: Progress = lambda done, total: None) -> Path | None:
    """Fetch a model's weights if they are not here, and check them against the hub's own size and digest.

    Args:
        name: see `backbones.resolve_model`.
        on_progress: called with the bytes done and the bytes in all.

    Returns:
        The file; None for `starter` and for what is local anyway.

    Raises:
        ModelUnavailable: the hub cannot be reached, has no such file, or the file came damaged.
        MissingDependency: the model needs a package that is not installed.
    """
    source = _source_of_weights(name)
    if source.kind != "pretrained":
        return None
    has_tokenizer_of_its_own = "SigLIP" in source.architecture
    if has_tokenizer_of_its_own and find_spec("transformers") is None:
        raise MissingDependency(f"{name} needs transformers: pip install transformers")
    weights = cached_weights(source) or _fetch(source, on_progress)
    if has_tokenizer_of_its_own:
        from vifi_cli.model.towers.open_clip import describe_model, load_tokenizer

        # to load it is to fetch it; it is kept beside the weights
        load_tokenizer(describe_model(source, weights))
    return weights


def _fetch(source: ModelSource, on_progress: Progress) -> Path:
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import HTTPError, LocalEntryNotFoundError, RemoteEntryNotFoundError  # type: ignore[attr-defined]

    endpoint = hub_endpoint()
    if not hub_reachable():
        raise ModelUnavailable(
            f"{endpoint} cannot be reached to fetch {source.name}: connect, "
            "or name a model that is here (`vifi model list`)"
        )
    repository, names = _place(source)
    for name in names:
        try:
            metadata = get_hf_file_metadata(hf_hub_url(repository, name, endpoint=endpoint))
            path = hf_hub_download(
                repository, name, endpoint=endpoint, tqdm_class=_reporting(on_progress, metadata.size or 0)
            )
        except RemoteEntryNotFoundError:
            continue
        except (HTTPError, LocalEntryNotFoundError, OSError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise ModelUnavailable(
                f"{source.name} could not be fetched from {repository}: {reason}"
            ) from error
        _verify(Path(path), metadata.size, metadata.etag)
        return Path(path)
    raise ModelUnavailable(f"{repository} holds no weights for {source.name}")


def _verify(path: Path, size: int | None, digest: str | None) -> None:
    """Compare a fetched file with what the hub says of it, and remove it where they differ."""
    whole = size is None or path.stat().st_size == size
    # only files in large file storage are named by their SHA-256
    if whole and digest and len(digest) == _SHA256_DIGITS:
        with path.open("rb") as file:
            whole = hashlib.file_digest(file, "sha256").hexdigest() == digest
    if not whole:
        path.resolve().unlink()
        path.unlink(missing_ok=True)
        raise ModelUnavailable("the weights came damaged and were removed: run the command again")


def _reporting(on_progress: Progress, total: int) -> type[Any]:
    """Make a progress bar class, as huggingface_hub wants one, that draws nothing and tells `on_progress`."""
    from huggingface_hub.utils import tqdm  # type: ignore[attr-defined]

    class Reporting(tqdm):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **{**options, "disable": True})  # type: ignore[no-untyped-call]
            self.done = int(options.get("initial", 0) or 0)

        def update(self, n: float | None = 1) -> None:
            self.done += int(n or 0)
            on_progress(self.done, total)

    return Reporting


def _place(source: ModelSource) -> tuple[str, tuple[str, ...]]:
    """Repository on the hub, and the names its weights may have there."""
    backbone = find_backbone(source.name)
    if backbone:
        return backbone.repository, _WEIGHT_NAMES
    from vifi_cli.model.towers.torchvision_operators import declare_missing_operators

    declare_missing_operators()
    import open_clip

    place = open_clip.get_pretrained_cfg(source.architecture, source.tag).get("hf_hub", "")
    repository, _, name = place.rpartition("/")
    if not repository:
        raise ModelUnavailable(
            f"the weights of {source.name} are not on the hub; fetch them and name the file"
        )
    return repository, (name,) if name else _WEIGHT_NAMES
