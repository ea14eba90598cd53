"""YAML files, ``key=value`` overrides and presets. Nothing executable is ever read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml

from src.core.config.fields import options
from src.core.config.layers import ConfigError, Layer, Resolved, flatten, nest

RESOURCES = Path(__file__).resolve().parents[3] / "resources"
__all__ = ["RESOURCES", "dump_yaml", "file_layer", "override_layer", "preset_layer", "presets", "read_yaml"]


def read_yaml(path: Path | Traversable) -> dict[str, Any]:
    """Read a mapping from a YAML file (safe loader).

    Raises:
        ConfigError: Missing or unreadable file, a syntax error with its line, or something other than a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError([("", f"{path} cannot be read: {error.strerror or error}.")]) from None
    except UnicodeDecodeError:
        raise ConfigError([("", f"{path} is not a UTF-8 text file.")]) from None
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        what = getattr(error, "problem", None) or "not valid YAML"
        raise ConfigError([("", f"{path}{where}: {what}.")]) from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(
            [("", f"{path} must hold options as “key: value” lines, not a {type(values).__name__}.")]
        )
    return values


def _absolute_paths(values: Mapping[str, Any], schema: Any, base: Path) -> dict[str, Any]:
    """Paths in a file are relative to that file, so that a folder with its YAML can be moved."""
    kinds = {o.key: o.path for o in options(schema) if o.path}
    flat = flatten(values)
    for key in kinds.keys() & flat.keys():
        text = flat[key]
        word = (
            kinds[key] == "file_or_none" and "/" not in str(text) and "." not in str(text)
        )  # imagenet, none
        if isinstance(text, str) and text and not word:
            flat[key] = str((base / Path(text).expanduser()).resolve())
    return nest(flat)


def file_layer(path: Path, schema: Any) -> Layer:
    """The layer of a YAML file; written either by hand or by a run (whose ``origins`` are ignored)."""
    values = dict(read_yaml(path))
    values.pop("origins", None)
    return Layer("file", _absolute_paths(values, schema, path.resolve().parent), str(path))


def override_layer(pairs: Iterable[str], schema: Any, base: Path | None = None) -> Layer:
    """The layer of ``key=value`` words from the command line; values are read as YAML scalars or lists."""
    flat: dict[str, Any] = {}
    text_keys = {o.key for o in options(schema) if o.kind == "str" and not o.optional}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key.strip():
            raise ConfigError(
                [("", f"“{pair}” is not an override: write key=value, for example training.epochs=30.")]
            )
        if key.strip() in text_keys:
            flat[key.strip()] = text
            continue
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            value = text
        if isinstance(value, str):  # YAML 1.1 reads 1e-3 as text; people mean a number
            with contextlib.suppress(ValueError):
                value = float(value)
        flat[key.strip()] = value
    return Layer("command line", _absolute_paths(nest(flat), schema, base or Path.cwd()), "the command line")


def presets(task: str) -> dict[str, Path]:
    """Name to file of the presets of a task; ``default`` is first."""
    found = {p.stem: p for p in sorted((RESOURCES / "presets" / task).glob("*.yaml"))}
    return dict(sorted(found.items(), key=lambda item: item[0] != "default"))


def preset_layer(task: str, name: str) -> Layer:
    """The layer of a preset.

    Raises:
        ConfigError: There is no preset of that name.
    """
    known = presets(task)
    if name not in known:
        raise ConfigError([("", f"There is no preset “{name}”; there are: {', '.join(known)}.")])
    values = read_yaml(known[name])
    values.pop("title", None)
    values.pop("about", None)
    return Layer("preset", values, f"preset {name}")


def dump_yaml(resolved: Resolved[Any]) -> str:
    """A configuration as YAML that can be trained again, with the layer of each value at the end."""
    values = nest(resolved.flat())
    body = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100)
    set_by_hand = {k: v for k, v in resolved.origins.items() if v != "default"}
    origins = yaml.safe_dump({"origins": set_by_hand}, sort_keys=False, allow_unicode=True)
    return f"{body}\n# Which layer each value came from; what is not listed is a default.\n{origins}"
