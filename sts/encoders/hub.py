"""The model hub: asked briefly whether it has something, and fetched from without code or pickles."""

import os
from pathlib import Path
from typing import Literal

from sts.errors import EncoderError

HUB_TIMEOUT = 5.0
FILES = ["config.json", "*.safetensors", "tokenizer*", "vocab*", "merges.txt", "special_tokens_map.json", "*.model"]


def hub_has(repository: str, *, kind: Literal["model", "dataset"]) -> str | None:
    """Whether a repository is in the local cache or the hub answers within 5 seconds.

    Returns:
        None if so, else why not, as the end of a sentence that begins with the repository's name.
    """
    if _in_cache(repository, kind):
        return None
    if offline():
        return "is not in the cache and HF_HUB_OFFLINE is set"
    import httpx2
    from huggingface_hub import constants

    path = repository if kind == "model" else f"datasets/{repository}"
    try:
        # one plain request: the hub's own client tries again and again, which takes far longer
        answer = httpx2.head(f"{constants.ENDPOINT}/{path}", timeout=HUB_TIMEOUT, follow_redirects=True)
    except httpx2.HTTPError as error:
        return f"is not in the cache and {constants.ENDPOINT} can't be reached ({type(error).__name__})"
    if answer.status_code != 200:
        return f"is not in the cache and {constants.ENDPOINT} answered {answer.status_code}"
    return None


def offline() -> bool:
    """Whether the user forbade the network (`HF_HUB_OFFLINE`)."""
    return os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on")


def _in_cache(repository: str, kind: str) -> bool:
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    folder = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repository, repo_type=kind)
    return any((folder / "snapshots").glob("*/*"))


def hub_checkpoint(name: str, bundled: tuple[str, ...], *, known: bool) -> Path:
    """Fetch a model's configuration, tokenizer and safetensors weights, or find them in the cache.

    Args:
        name: hub id, owner/name.
        bundled: names to suggest when the hub can't be reached.
        known: whether the id is one of those that this project lists. Only from these is a weights
            file in pickle format taken, read as plain tensors, and converted.

    Raises:
        EncoderError: not reachable and not in the cache, not existing, or without safetensors.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    reason = hub_has(name, kind="model")
    if reason is not None:
        raise EncoderError(
            f"--base-model {name}: {reason}; go online, or use a folder or a bundled model: {', '.join(bundled)}"
        )
    try:
        folder = Path(snapshot_download(name, allow_patterns=FILES))
        if known and not list(folder.glob("*.safetensors")):
            folder = Path(snapshot_download(name, allow_patterns=[*FILES, "pytorch_model.bin"]))
            return _without_pickle(name, folder)
    except (RepositoryNotFoundError, LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise EncoderError(
            f"--base-model {name}: the hub does not give it ({str(error).splitlines()[0]}); "
            f"check the id, or use a folder or a bundled model: {', '.join(bundled)}"
        ) from error
    from sts.encoders.checkpoint import check_checkpoint

    check_checkpoint(folder)
    return folder


def _without_pickle(name: str, folder: Path) -> Path:
    """A copy of a known model in this project's cache whose weights are safetensors."""
    import shutil

    import torch
    from safetensors.torch import save_file

    from sts.encoders.cache import FORMAT, cache_folder
    from sts.files import replacing_folder

    target = cache_folder() / f"{name.replace('/', '--')}-{folder.name}-{FORMAT}"
    if not target.is_dir():
        with replacing_folder(target) as partial:
            weights = torch.load(folder / "pytorch_model.bin", map_location="cpu", weights_only=True)
            tensors = {key: tensor.clone().contiguous() for key, tensor in weights.items()}
            save_file(tensors, partial / "model.safetensors", metadata={"format": "pt"})
            for path in folder.iterdir():
                if path.name != "pytorch_model.bin":
                    shutil.copy(path, partial)
    return target
