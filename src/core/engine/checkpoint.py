"""Checkpoint files: tensors and a JSON header in safetensors. No pickle, nothing that could run."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

FORMAT = "lathe-checkpoint-1"
_HEADER = "lathe"


class CheckpointError(Exception):
    """A file that cannot be read as a checkpoint, or does not fit; the message says why and what to do."""


def _split(tree: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """Take the tensors out of nested mappings and lists; what is left is JSON."""
    if isinstance(tree, Tensor):
        tensors[name] = tree
        return {"$tensor": name}
    if isinstance(tree, dict):
        return {"$map": [[k, _split(v, f"{name}/{k}", tensors)] for k, v in tree.items()]}
    if isinstance(tree, (list, tuple)):
        return [_split(v, f"{name}/{i}", tensors) for i, v in enumerate(tree)]
    return tree


def _join(tree: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(tree, dict):
        if "$tensor" in tree:
            return tensors[tree["$tensor"]]
        return {k: _join(v, tensors) for k, v in tree["$map"]}
    if isinstance(tree, list):
        return [_join(v, tensors) for v in tree]
    return tree


def encode_state(state: dict[str, Any], header: dict[str, Any]) -> bytes:
    """Nested state and plain values as the bytes of a checkpoint file."""
    tensors: dict[str, Tensor] = {}
    tree = _split(state, "", tensors)
    # Shared storage and views are refused by the format; a contiguous copy on the CPU is neither
    owned = {k: v.detach().to("cpu", copy=True).contiguous() for k, v in tensors.items()}
    meta = {"format": FORMAT, "header": header, "tree": tree}
    data: bytes = save(owned, {_HEADER: json.dumps(meta, ensure_ascii=False)})
    return data


def _meta(path: Path, handle: Any) -> dict[str, Any]:
    text = (handle.metadata() or {}).get(_HEADER)
    if text is None:
        raise CheckpointError(
            f"{path} holds tensors but is not a checkpoint of Lathe. It can serve as a file of weights."
        )
    meta: dict[str, Any] = json.loads(text)
    if meta.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} was written by another version of Lathe ({meta.get('format')}). Update Lathe."
        )
    return meta


#: Weights of a model under this name are learnt with it and of no use without the training (see `distil`).
TRAINING_ONLY = "distillation."


def read_header(path: Path) -> dict[str, Any]:
    """What a checkpoint says of itself, without its tensors.

    Raises:
        CheckpointError: It is not a checkpoint of Lathe, or damaged.
    """
    try:
        with safe_open(str(path), framework="pt") as handle:
            header: dict[str, Any] = _meta(path, handle)["header"]
            return header
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}.") from None


def read_state(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Nested state (tensors on the CPU) and header of a checkpoint.

    Raises:
        CheckpointError: It is not a checkpoint of Lathe, or damaged.
    """
    try:
        with safe_open(str(path), framework="pt") as handle:
            meta = _meta(path, handle)
            # Cloned: a view into the mapped file could be aligned differently from a tensor of torch's own
            tensors = {k: handle.get_tensor(k).clone() for k in handle.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}.") from None
    state: dict[str, Any] = _join(meta["tree"], tensors)
    return state, meta["header"]


def is_safetensors(path: Path) -> bool:
    """Whether the content (not the name) is safetensors: a little-endian header length, then JSON."""
    with path.open("rb") as handle:
        head = handle.read(9)
    return len(head) == 9 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < path.stat().st_size


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights of a model from a checkpoint of Lathe, a plain safetensors file, or a foreign ``.pth``.

    A foreign file is read as weights only; one that holds code is refused.

    Returns:
        State dict of the model, and the header (empty for foreign files).

    Raises:
        CheckpointError: The file is missing, damaged, holds code, or holds no weights.
    """
    if not path.is_file():
        raise CheckpointError(f"{path} does not exist.")
    if is_safetensors(path):
        try:
            state, header = read_state(path)
            weights = state.get("average") or state["model"]
            return {k: v for k, v in weights.items() if not k.startswith(TRAINING_ONLY)}, header
        except CheckpointError:
            with safe_open(str(path), framework="pt") as handle:
                return {k: handle.get_tensor(k).clone() for k in handle.keys()}, {}  # noqa: SIM118
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f"{path} was refused: it is damaged, or it holds more than weights (code, which is never run). {reason}"
        ) from None
    for key in ("model_state_dict", "state_dict", "model"):
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
            break
    if not isinstance(found, dict) or not all(isinstance(v, Tensor) for v in found.values()) or not found:
        raise CheckpointError(
            f"{path} holds no state dict of weights. Save one with torch.save(model.state_dict(), path)."
        )
    weights = {k.removeprefix("module.").removeprefix("model."): v for k, v in found.items()}
    return weights, {}


def load_into(model: torch.nn.Module, weights: dict[str, Tensor], source: str) -> None:
    """Put weights into a model.

    Raises:
        CheckpointError: Names or shapes differ, most often another encoder or another number of classes.
    """
    own = model.state_dict()
    missing = [k for k in own if k not in weights]
    unknown = [k for k in weights if k not in own]
    wrong = [k for k in own if k in weights and own[k].shape != weights[k].shape]
    if missing or unknown or wrong:
        parts = []
        if wrong:
            k = wrong[0]
            parts.append(f"{k} is {tuple(weights[k].shape)} there and {tuple(own[k].shape)} here")
        if missing:
            parts.append(f"{len(missing)} weights are missing, such as {missing[0]}")
        if unknown:
            parts.append(f"{len(unknown)} are not in this model, such as {unknown[0]}")
        raise CheckpointError(
            f"{source} does not fit this model: {'; '.join(parts)}. "
            "Use the architecture, encoder, channels and classes that it was trained with."
        )
    model.load_state_dict(weights)
