"""Layers of configuration: defaults, preset, file, dialog, command line. The last one wins, and each value knows its layer."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from src.core.config.fields import Option, options

#: From the weakest to the strongest. ``detected`` holds facts read from the data where the person left the choice.
LAYERS = ("default", "preset", "file", "dialog", "command line", "detected")


C = TypeVar("C", bound=BaseModel)


class ConfigError(ValueError):
    """A configuration that cannot be used.

    Attributes:
        problems: ``(key, sentence)`` for each fault, the key dotted as in YAML.
    """

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        self.problems = problems
        super().__init__("\n".join(f"{key}: {text}" if key else text for key, text in problems))


@dataclass(frozen=True)
class Layer:
    """One source of values.

    Attributes:
        name: One of `LAYERS`.
        values: Nested mapping, as in YAML.
        source: The file or preset it came from, for messages.
    """

    name: str
    values: Mapping[str, Any]
    source: str = ""


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mapping to dotted keys; lists are leaves."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted keys to a nested mapping; raises `ConfigError` where a key is both a value and a section."""
    nested: dict[str, Any] = {}
    for key, value in flat.items():
        *parents, leaf = key.split(".")
        place = nested
        for part in parents:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise ConfigError([(key, f"“{part}” has a value and cannot hold further options.")])
        place[leaf] = value
    return nested


def nearest(key: str, known: list[str]) -> str:
    """The end of a sentence that names the nearest known keys, or nothing."""
    close = difflib.get_close_matches(key, known, n=3, cutoff=0.55)
    if not close:
        leaf = key.rsplit(".", 1)[-1]
        close = [
            k for k in known if difflib.SequenceMatcher(None, leaf, k.rsplit(".", 1)[-1]).ratio() > 0.75
        ][:3]
    return f" Did you mean {' or '.join(close)}?" if close else ""


def _messages(error: ValidationError) -> list[tuple[str, str]]:
    found = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"] if not isinstance(part, int))
        text = str(item.get("ctx", {}).get("error") or item["msg"])
        text = text[0].upper() + text[1:]
        shown = item.get("input")
        if item["type"] not in ("missing", "value_error") and not isinstance(shown, (dict, BaseModel)):
            text += f", not {shown!r}"
        found.append((key, text.rstrip(".") + "."))
    return found


@dataclass(frozen=True)
class Resolved(Generic[C]):
    """A validated configuration and the layer that each of its values came from.

    Attributes:
        config: The typed configuration.
        origins: Dotted key to the name of the layer.
    """

    config: C
    origins: dict[str, str]

    def flat(self) -> dict[str, Any]:
        """Dotted key to value, in the order of the schema."""
        return flatten(self.config.model_dump(mode="json"))


def resolve(schema: type[C], layers: list[Layer]) -> Resolved[C]:
    """Merge layers and validate the result.

    Raises:
        ConfigError: Unknown keys (with the nearest names), or values out of bounds; all faults at once.
    """
    known: dict[str, Option] = {o.key: o for o in options(schema)}
    merged: dict[str, Any] = {}
    origins = dict.fromkeys(known, "default")
    problems: list[tuple[str, str]] = []
    for layer in sorted(layers, key=lambda item: LAYERS.index(item.name)):
        for key, value in flatten(layer.values).items():
            if key not in known:
                where = f" in {layer.source}" if layer.source else ""
                problems.append((key, f"There is no option of this name{where}.{nearest(key, list(known))}"))
                continue
            merged[key] = value
            origins[key] = layer.name
    if problems:
        raise ConfigError(problems)
    try:
        config = schema.model_validate(nest(merged))
    except ValidationError as error:
        raise ConfigError(_messages(error)) from None
    return Resolved(config, origins)
