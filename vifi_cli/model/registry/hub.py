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
from vifi_cli.model.registry.known_models import DEFAULT_MODEL, STARTER, find_known_model
from vifi_cli.model.registry.source import ModelSource, resolve_model
from vifi_cli.model.torchvision_operators import declare_missing_operators
from vifi_cli.model.weights.packaged_weights import INSTALL_COMMAND, starter_is_installed

Progress = Callable[[int, int], None]
# open_clip's names of the file in a repository, the safe one first
_WEIGHT_NAMES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_SHA256_DIGITS = 64


def hub_endpoint() -> str:
    """The address of the hub, without a slash at the end."""
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


def hub_reachable(timeout_seconds: float = 3.0) -> bool:
    """Whether the hub answers within `timeout_seconds`, the search for its address included."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return False
    answered = threading.Event()

    def ask() -> None:
        if _answers(hub_endpoint(), timeout_seconds):
            answered.set()
        finished.set()

    # The search for an address has no time limit, so a thread does it, and nobody waits for the thread.
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
        # any answer counts, except that of a proxy which lets nobody through or finds nobody
        return error.code < 500 and error.code not in (403, 407)
    except (OSError, ValueError):
        return False


def is_cached(source: ModelSource) -> bool:
    """Whether a model can be loaded without the hub."""
    source = source.of_weights
    if source.kind == "starter":
        return starter_is_installed()
    return source.kind != "pretrained" or cached_weights(source) is not None


def cached_weights(source: ModelSource) -> Path | None:
    """The downloaded weights of a `pretrained` source, or None."""
    if source.kind != "pretrained":
        return None
    from huggingface_hub import try_to_load_from_cache

    repository, names = _place(source)
    found = (try_to_load_from_cache(repository, name) for name in names)
    return next((Path(path) for path in found if isinstance(path, str)), None)


def choose_default_model() -> tuple[str, str]:
    """The name of the model of a new index where the user names none, and the reason in words.

    Raises ModelUnavailable if the default is not here, the hub cannot be reached and `starter` is not installed.
    """
    if is_cached(resolve_model(DEFAULT_MODEL)) or hub_reachable():
        return DEFAULT_MODEL, f"{describe_default_model()}; the index keeps it"
    if starter_is_installed():
        return STARTER, (
            f"{DEFAULT_MODEL} knows more, but the hub cannot be reached to download its {_size_of_default()}; "
            f"the index keeps starter until `vifi index --rebuild --model {DEFAULT_MODEL}`"
        )
    raise ModelUnavailable(
        f"{DEFAULT_MODEL} is not on this machine and {hub_endpoint()} cannot be reached: "
        f"connect and run `vifi model pull {DEFAULT_MODEL}`, or {INSTALL_COMMAND}"
    )


def describe_default_model() -> str:
    """What the default model costs on this machine, in words, and the alternative to a download."""
    if is_cached(resolve_model(DEFAULT_MODEL)):
        return "the default, already on this machine"
    instead = f"; `--model {STARTER}` needs no download" if starter_is_installed() else ""
    return f"the default, {_size_of_default()} to download once{instead}"


def _size_of_default() -> str:
    known = find_known_model(DEFAULT_MODEL)
    return f"{known.size_mb if known else 0} MB"


def pull(
    source: ModelSource, on_progress: Progress = lambda done, total: None, *, instead: str = ""
) -> Path | None:
    """Fetch a model's weights if they are not here, and check them against the hub's own size and digest.

    Of learned prompts, the base is fetched. `on_progress` receives the bytes done and the total bytes. `instead` is
    the way out without the hub, in words. Returns the file; None for `starter` and for local models.

    Raises:
        ModelUnavailable: the hub cannot be reached, has no such file, or the download was damaged.
        MissingDependency: the model needs a package that is not installed.
    """
    source = source.of_weights
    if source.kind != "pretrained":
        return None
    has_own_tokenizer = "SigLIP" in source.architecture
    if has_own_tokenizer and find_spec("transformers") is None:
        raise MissingDependency(f"{source.name} needs transformers: pip install transformers")
    weights = cached_weights(source) or _fetch(source, on_progress, instead or _without_hub())
    if has_own_tokenizer:
        _fetch_tokenizer(source)
    return weights


def _fetch_tokenizer(source: ModelSource) -> None:
    declare_missing_operators()
    import open_clip

    try:
        # loading it keeps it beside the weights
        open_clip.get_tokenizer(source.architecture)
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"the tokenizer of {source.name} could not be fetched: {error}") from error


def _fetch(source: ModelSource, on_progress: Progress, instead: str) -> Path:
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import HTTPError, LocalEntryNotFoundError, RemoteEntryNotFoundError  # type: ignore[attr-defined]

    endpoint = hub_endpoint()
    if not hub_reachable():
        raise ModelUnavailable(f"{endpoint} cannot be reached to fetch {source.name}: connect, {instead}")
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


def _without_hub() -> str:
    if starter_is_installed():
        return f"or use `--model {STARTER}`, which needs no download"
    return "or name a model that is here (`vifi model list`)"


def _verify(path: Path, size: int | None, digest: str | None) -> None:
    is_complete = size is None or path.stat().st_size == size
    # only files in large file storage are named by their SHA-256
    if is_complete and digest and len(digest) == _SHA256_DIGITS:
        with path.open("rb") as file:
            is_complete = hashlib.file_digest(file, "sha256").hexdigest() == digest
    if not is_complete:
        path.resolve().unlink()
        path.unlink(missing_ok=True)
        raise ModelUnavailable(
            "the downloaded weights were damaged and have been removed: run the command again"
        )


def _reporting(on_progress: Progress, total: int) -> type[Any]:
    """A progress bar class, as huggingface_hub wants one, that draws nothing and calls `on_progress`."""
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
    if known := find_known_model(source.name):
        return known.repository, _WEIGHT_NAMES
    declare_missing_operators()
    import open_clip

    place = open_clip.get_pretrained_cfg(source.architecture, source.tag).get("hf_hub", "")
    repository, _, name = place.rpartition("/")
    if not repository:
        raise ModelUnavailable(
            f"the weights of {source.name} are not on the hub; fetch them and name the file"
        )
    return repository, (name,) if name else _WEIGHT_NAMES
