"""Pretrained weights of encoders: find them on the hub or in a local file, and put them in.

The libraries' own loaders are not used: without a network they retry for half a minute and end in a
traceback, and they do not say what they could not match.
"""

from __future__ import annotations

import logging
import re
import socket
import threading
import urllib.request
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch
from huggingface_hub import constants as hub_constants
from huggingface_hub import hf_hub_download
from safetensors.torch import load_file
from torch import Tensor, nn

from src.models.encoders import weight_names

logger = logging.getLogger(__name__)

FILE_SUFFIXES = (".pth", ".pt", ".safetensors")
MINIMUM_MATCH = 0.9
PROBE_SECONDS = 4.0

_WRAPPERS = ("state_dict", "model_state_dict", "model", "encoder", "module", "net", "network")
_TIMM_WRAPPERS = re.compile(r"^(?:model\.)+")  # smp's and timm's shells around a timm model
_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")


class WeightsUnavailableError(RuntimeError):
    """Named weights are neither in the local cache nor can they be downloaded; the message says what to
    do."""


class EncoderWeightsError(ValueError):
    """A file of weights cannot be read, or does not belong to the encoder."""


@dataclass(frozen=True)
class WeightsReport:
    """What became of a set of weights.

    `matched` of `total` tensors of the encoder were filled (counters of batches aside). `missing` are the
    encoder's keys that kept their random values, `unexpected` the file's keys beside them that the encoder
    has no use for (a classifier, usually), `mismatched` those of another shape, `adapted` those whose 3
    input channels were made to fit.
    """

    source: str
    total: int
    matched: int
    missing: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    mismatched: list[str] = field(default_factory=list)
    adapted: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        parts = [f"{self.matched} of {self.total} tensors of the encoder from {self.source}"]
        for title in ("missing", "unexpected", "mismatched", "adapted"):
            keys: list[str] = getattr(self, title)
            if keys:
                parts.append(
                    f"{title}: {', '.join(keys[:4])}{f' and {len(keys) - 4} more' if len(keys) > 4 else ''}"
                )
        return "; ".join(parts)


def parse_weights(encoder: str, encoder_weights: Any) -> str | Path | None:
    """The three things `encoder_weights` may be: None (also `none`, empty), a name, or a local file as a
    Path.

    Raises ValueError for a name which the encoder has not, FileNotFoundError for a file that is not there.
    """
    if encoder_weights is None or encoder_weights is False:
        return None
    if encoder_weights is True:
        encoder_weights = "imagenet"
    text = str(encoder_weights).strip()
    if text.lower() in ("", "none", "null", "random"):
        return None
    names = weight_names(encoder)
    if text.lower() in names:
        return text.lower()
    path = Path(text).expanduser()
    if path.is_file():
        return path
    if path.suffix.lower() in FILE_SUFFIXES or isinstance(encoder_weights, Path):
        raise FileNotFoundError(f"The file of encoder weights {path} does not exist.")
    raise ValueError(
        f"There are no weights '{text}' for {encoder}. Known: {', '.join(names) or 'none'}; or give None, or"
        f" a local file ({', '.join(FILE_SUFFIXES)})."
    )


def hub_address(encoder: str, weights: str) -> tuple[str, str | None]:
    """Repository and revision on the hub of named weights, for a canonical encoder name.

    Raises ValueError where there are none.
    """
    if encoder.startswith("tu-"):
        from timm.models import get_pretrained_cfg

        cfg = get_pretrained_cfg(encoder.removeprefix("tu-"))
        if cfg is None or not cfg.hf_hub_id:
            raise ValueError(
                f"timm offers no weights for {encoder}; use encoder_weights=None or a local file."
            )
        repository, _, revision = cfg.hf_hub_id.partition("@")
        return repository, revision or None
    from segmentation_models_pytorch.encoders import encoders

    settings = encoders[encoder]["pretrained_settings"][weights]
    return settings["repo_id"], settings["revision"]


def _connect_address(url: str) -> tuple[str, int]:
    """Host and port that a request to `url` would connect to first: the proxy, where one is set."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(host):
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    return parts.hostname or host, parts.port or (443 if parts.scheme == "https" else 80)


def hub_is_reachable(seconds: float = PROBE_SECONDS) -> bool:
    """Whether a connection to the hub (or to the proxy before it) opens within that time."""
    answer: list[bool] = []

    def connect() -> None:
        try:
            socket.create_connection(_connect_address(hub_constants.ENDPOINT), timeout=seconds).close()
            answer.append(True)
        except OSError:
            answer.append(False)

    # A thread, because resolving a name takes no timeout and hangs for long where the name server is silent.
    thread = threading.Thread(target=connect, daemon=True, name="hub-probe")
    thread.start()
    thread.join(seconds)
    return bool(answer and answer[0])


def _unavailable(repository: str, cause: str) -> WeightsUnavailableError:
    host = urlsplit(hub_constants.ENDPOINT).hostname
    return WeightsUnavailableError(
        f"The pretrained weights are not on this computer and cannot be downloaded: {cause}. They are the"
        f" file model.safetensors of '{repository}' on {host}. Either connect to {host} and try again (once"
        f" downloaded they stay in the cache {hub_constants.HF_HUB_CACHE}), or start without them"
        f" (encoder_weights=None), or give the path of a local file with weights of this encoder as"
        f" encoder_weights."
    )


def locate_hub_file(repository: str, revision: str | None = None) -> Path:
    """The local path of a repository's `model.safetensors`, downloaded where it is not in the cache.

    Raises WeightsUnavailableError, within seconds where there is no network.
    """
    name = "model.safetensors"
    try:
        return Path(hf_hub_download(repository, name, revision=revision, local_files_only=True))
    except OSError:  # not in the cache
        pass
    if hub_constants.HF_HUB_OFFLINE:
        raise _unavailable(repository, "downloads are switched off (HF_HUB_OFFLINE is set)")
    if not hub_is_reachable():
        host, port = _connect_address(hub_constants.ENDPOINT)
        raise _unavailable(repository, f"no connection to {host}:{port} within {PROBE_SECONDS:g} seconds")
    try:
        return Path(hf_hub_download(repository, name, revision=revision, etag_timeout=5))
    except Exception as error:  # the hub's client lets through errors of several HTTP libraries
        raise _unavailable(repository, f"the download failed ({type(error).__name__}: {error})") from error


def read_weights_file(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors, .pth or .pt file by name, out of the usual wrappers. Nothing in it is
    executed.

    Raises EncoderWeightsError where it is not such a file.
    """
    try:
        if path.suffix.lower() == ".safetensors":
            content: Any = load_file(path, device="cpu")
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle, zip and safetensors each raise their own
        raise EncoderWeightsError(
            f"{path} cannot be read as weights ({type(error).__name__}: {error})."
            f" It must be a state dict saved with torch.save, of tensors only, or .safetensors."
        ) from error
    while isinstance(content, Mapping):
        inner = next((content[k] for k in _WRAPPERS if isinstance(content.get(k), Mapping)), None)
        if inner is None:
            tensors = {k: v for k, v in content.items() if isinstance(k, str) and isinstance(v, Tensor)}
            if tensors:
                return tensors
            break
        content = inner
    raise EncoderWeightsError(f"{path} holds no state dict (a mapping of names to tensors).")


def _canonical(key: str) -> str:
    # timm's feature extractors write stages_0 for the classifier's stages.0; torchvision once wrote norm.1
    # for norm1
    return _OLD_DENSENET.sub(r"\1\2", key).replace(".", "_")


def adapt_input_channels(weight: Tensor, channels: int) -> Tensor:
    """The first convolution's weight O×3×h×w for another number of channels, as smp does it.

    One channel gets the sum; n channels repeat the three in turn, scaled by 3/n so that activations keep
    their size.
    """
    if channels == 1:
        return weight.sum(1, keepdim=True)
    index = torch.arange(channels, device=weight.device) % weight.shape[1]
    return weight[:, index] * (weight.shape[1] / channels)


def load_encoder_weights(
    encoder: nn.Module, state: Mapping[str, Tensor], in_channels: int, source: str
) -> WeightsReport:
    """Fill an encoder from a state dict of the encoder, of a whole model, or of a classifier, whatever its
    prefix.

    `in_channels` is the encoder's; `source` names the weights in the report. Raises EncoderWeightsError,
    leaving the encoder as it was, where fewer than 90 % of its tensors find a partner of the same shape.
    """
    own = encoder.state_dict()
    names = {_canonical(_TIMM_WRAPPERS.sub("", key)): key for key in own}
    counters = {name: key for name, key in names.items() if key.endswith("num_batches_tracked")}
    targets = {name: key for name, key in names.items() if name not in counters}
    prefix = _best_prefix(state, targets)
    filled: dict[str, Tensor] = {}
    unexpected, mismatched, adapted = [], [], []
    for key, value in state.items():
        if not key.startswith(prefix):
            continue
        name = _canonical(key[len(prefix) :])
        target = targets.get(name) or counters.get(name)
        if target is None:
            unexpected.append(key)
            continue
        shape = own[target].shape
        if value.shape != shape and _is_first_convolution(value, shape, in_channels):
            value = adapt_input_channels(value.float(), in_channels)
            adapted.append(target)
        if value.shape == shape:
            filled[target] = value
        else:
            mismatched.append(f"{key} {tuple(value.shape)} for {tuple(shape)}")
    missing = [key for key in targets.values() if key not in filled]
    report = WeightsReport(
        source, len(targets), len(targets) - len(missing), missing, unexpected, mismatched, adapted
    )
    if report.matched < MINIMUM_MATCH * report.total:
        raise EncoderWeightsError(f"These weights do not belong to the chosen encoder: only {report}.")
    # Not the encoder's own method: smp's drop a classifier that must be there, and timm's rename keys once
    # more.
    nn.Module.load_state_dict(encoder, filled, strict=False)
    logger.log(logging.WARNING if missing else logging.INFO, "Encoder weights: %s", report)
    return report


def _is_first_convolution(value: Tensor, shape: torch.Size, in_channels: int) -> bool:
    return (
        value.ndim == 4
        and len(shape) == 4
        and value.shape[1] == 3
        and shape[1] == in_channels
        and value.shape[0] == shape[0]
        and value.shape[2:] == shape[2:]
    )


def _best_prefix(state: Mapping[str, Tensor], targets: Mapping[str, str]) -> str:
    """The leading part of the keys (up to four words, such as `module.model.encoder.`) with which most of
    them match."""
    votes: Counter[str] = Counter()
    for key in state:
        words = key.split(".")
        for depth in range(min(5, len(words))):
            if _canonical(".".join(words[depth:])) in targets:
                votes["".join(f"{word}." for word in words[:depth])] += 1
    return max(votes, key=lambda prefix: (votes[prefix], -len(prefix)), default="")
