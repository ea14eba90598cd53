"""What was measured on this machine (``app.py tune machine``), kept in the workspace: ``machine.json``."""

from __future__ import annotations

import json
import platform
from typing import Any

from src.core.run.folder import workspace, write_atomically

NAME = "machine.json"


def machine_key(device: str, torch_version: str) -> str:
    """One machine, device and version of torch: a measurement is worth nothing for another."""
    return f"{platform.node()} | {device} | torch {torch_version}"


def measured(key: str) -> dict[str, Any]:
    """Dotted option to the value that was found fastest; empty where nothing was measured."""
    found = _all().get(key)
    values = found.get("values") if isinstance(found, dict) else None
    return dict(values) if isinstance(values, dict) else {}


def keep(key: str, document: dict[str, Any]) -> None:
    """Keep a measurement: ``values``, and whatever else tells how they came about.

    Raises:
        OSError: The workspace cannot be written.
    """
    everything = {**_all(), key: document}
    workspace().mkdir(parents=True, exist_ok=True)
    write_atomically(workspace() / NAME, json.dumps(everything, ensure_ascii=False, indent=1).encode())


def _all() -> dict[str, Any]:
    try:
        found = json.loads((workspace() / NAME).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
