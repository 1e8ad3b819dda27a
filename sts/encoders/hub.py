"""The model hub: asked briefly whether it has something, and fetched from without code or pickles."""

import os
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from sts.encoders.cache import converted_once
from sts.encoders.checkpoint import check_checkpoint
from sts.errors import EncoderError

HUB_TIMEOUT = 5.0
WEIGHTS = "model*.safetensors"
PICKLE = "pytorch_model.bin"
FILES = [
    *("config.json", WEIGHTS, "model.safetensors.index.json"),
    *("tokenizer*", "vocab*", "merges.txt", "special_tokens_map.json", "*.model"),
    # of translators
    *("generation_config.json", "source.spm", "target.spm", "target_vocab.json"),
]


def hub_has(repository: str, *, kind: Literal["model", "dataset"]) -> str | None:
    """Whether a repository is in the local cache or the hub answers within 5 seconds.

    Returns:
        None if so, else why not, as the end of a sentence that begins with the repository's name.
    """
    if _in_cache(repository, kind):
        return None
    if offline():
        return "is not in the cache and HF_HUB_OFFLINE is set"
    from huggingface_hub import constants

    url = f"{constants.ENDPOINT}/api/{kind}s/{repository}"
    problems: list[str | None] = []
    # a thread of its own, because a request's timeout starts anew with each redirect and each byte
    asking = threading.Thread(target=lambda: problems.append(_ask(url)), daemon=True)
    asking.start()
    asking.join(HUB_TIMEOUT)
    problem = problems[0] if problems else f"did not answer within {HUB_TIMEOUT:g} s"
    return problem and f"is not in the cache and {constants.ENDPOINT} {problem}"


def _ask(url: str) -> str | None:
    """One plain request: the hub's own client tries again and again. Returns what went wrong, if anything."""
    import httpx2
    from huggingface_hub.utils import build_hf_headers

    try:
        answer = httpx2.get(url, headers=build_hf_headers(), timeout=2 * HUB_TIMEOUT, follow_redirects=True)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return f"can't be reached ({type(error).__name__})"
    return None if answer.status_code == 200 else f"answered {answer.status_code}"


def offline() -> bool:
    """Whether the user forbade the network (`HF_HUB_OFFLINE`, or the older `TRANSFORMERS_OFFLINE`)."""
    value = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    return value.lower() in ("1", "true", "yes", "on")


def _in_cache(repository: str, kind: str) -> bool:
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    if kind == "model":
        return _cached_model(repository) is not None
    folder = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repository, repo_type=kind)
    return any((folder / "snapshots").glob("*/*"))


def _cached_model(name: str) -> Path | None:
    """The cached snapshot of a model, unless it lacks configuration or weights, as after a broken download."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(name, allow_patterns=FILES, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    weights = (folder / PICKLE).is_file() or any(folder.glob(WEIGHTS))
    return folder if weights and (folder / "config.json").is_file() else None


def hub_checkpoint(
    name: str,
    bundled: tuple[str, ...],
    announce: Callable[[str], None],
    *,
    known: bool,
    option: str = "--base-model",
) -> Path:
    """Find a model's configuration, tokenizer and safetensors weights in the cache, or fetch them.

    Args:
        name: hub id, owner/name.
        bundled: names to suggest when the hub can't be reached, if there are any.
        announce: called with a line when weights are converted.
        known: whether the id is one of those that this project lists. Only from these is a weights
            file in pickle format taken, read as plain tensors, and converted.
        option: what named the model, for messages.

    Raises:
        EncoderError: not reachable and not in the cache, not existing, or without safetensors.
    """
    instead = f"check the id, or use a folder{' or a bundled model: ' if bundled else ''}{', '.join(bundled)}"
    folder = _cached_model(name)
    if folder is None:
        reason = hub_has(name, kind="model")
        if reason is not None:
            raise EncoderError(f"{option} {name}: {reason}; go online, {instead}")
        folder = _fetch(name, FILES, option, instead)
    if known and not any(folder.glob(WEIGHTS)):
        if not (folder / PICKLE).is_file():
            folder = _fetch(name, [*FILES, PICKLE], option, instead)
        folder = _without_pickle(name, folder, announce)
    check_checkpoint(folder)
    return folder


def _fetch(name: str, files: list[str], option: str, instead: str) -> Path:
    from httpx2 import HTTPError
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=files))
    except (HTTPError, OSError) as error:  # the hub's own errors are kinds of these
        raise EncoderError(
            f"{option} {name}: the hub does not give it ({str(error).splitlines()[0]}); {instead}"
        ) from error


def _without_pickle(name: str, folder: Path, announce: Callable[[str], None]) -> Path:
    """A copy of a known model in this project's cache whose weights are safetensors."""
    import shutil

    def convert(target: Path) -> None:
        """Read the pickle as plain tensors and write them, and the other files, into `target`."""
        import torch
        from safetensors.torch import save_file

        try:
            weights = torch.load(folder / PICKLE, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
            raise EncoderError(
                f"{folder / PICKLE}: can't be read as plain tensors ({type(error).__name__}); "
                "delete it and fetch it again"
            ) from error
        # an embedding that several layers share is written once, under its first name
        owners: dict[tuple[int, tuple[int, ...]], str] = {}
        tensors = {
            key: tensor.clone().contiguous()
            for key, tensor in weights.items()
            if owners.setdefault((tensor.data_ptr(), tuple(tensor.shape)), key) == key
        }
        save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
        for path in folder.iterdir():
            if path.is_file() and path.name != PICKLE:
                shutil.copy(path, target)

    return converted_once(name.replace("/", "--"), folder.name, convert, announce)
