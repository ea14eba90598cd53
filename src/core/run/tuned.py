"""Measurements: the folder in which one is carried out, and what was measured on this machine, kept in the workspace
(``machine.json``).
"""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING, Any

from src.core.config import ConfigError, Resolved, dump_yaml
from src.core.run.folder import RunFolder, RunFolderError, slug, workspace, write_atomically

if TYPE_CHECKING:
    from src.core.task_info import TaskInfo

NAME = "machine.json"


def create_tuning(resolved: Resolved[Any], info: TaskInfo, kind: str) -> RunFolder:
    """A folder that holds the configuration to measure with, ready for the job ``tune-<kind>``.

    Raises:
        ConfigError: The configuration has faults that are known without reading the data.
        RunFolderError: The folder cannot be made or written.
    """
    faults = [f for f in info.check(resolved.config, None) if f.severity == "error"]
    if faults:
        raise ConfigError([(f.where[0] if f.where else "", f"{f.message} {f.cure}".strip()) for f in faults])
    root = workspace() / "tuning"
    try:
        folder = RunFolder.numbered(root, slug(f"{kind}-{info.labels(resolved.config)[0]}"))
        folder.checkpoints.mkdir()
        write_atomically(folder.config, dump_yaml(resolved).encode())
    except OSError as error:
        raise RunFolderError(
            f"No measurement can be begun in {root}: {error.strerror or error}. Free some space, or mend its permissions."
        ) from None
    return folder


def machine_key(device: str, torch_version: str) -> str:
    """One machine, device and version of torch: a measurement is worth nothing for another."""
    return f"{platform.node()} | {device} | torch {torch_version}"


def measured(key: str) -> dict[str, Any]:
    """Dotted option to the value that was found fastest; empty where nothing was measured."""
    found = _all().get(key)
    values = found.get("values") if isinstance(found, dict) else None
    return dict(values) if isinstance(values, dict) else {}


def keep(key: str, document: dict[str, Any]) -> None:
    """Keep a measurement: ``values``, and whatever else tells how they came about. What was measured before and is not
    in it stays.

    Raises:
        OSError: The workspace cannot be written.
    """
    before = _all().get(key)
    merged = {**(before if isinstance(before, dict) else {}), **document}
    merged["values"] = {**measured(key), **document.get("values", {})}
    everything = {**_all(), key: merged}
    workspace().mkdir(parents=True, exist_ok=True)
    write_atomically(workspace() / NAME, json.dumps(everything, ensure_ascii=False, indent=1).encode())


def _all() -> dict[str, Any]:
    try:
        found = json.loads((workspace() / NAME).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
