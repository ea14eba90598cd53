"""What the first word of a command names: a configuration, a data set as it is, or one that has to be imported."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from src.core.config import ConfigError
from src.core.dataset.formats import Recognised, nothing_known, recognise
from src.core.report.text import typed
from src.tasks.catalog import recognise_data


def recognised(word: str) -> Recognised | None:
    """The data set of images that a word names; ``None`` for a configuration file, for data of another task, and for
    words that name nothing here.

    Raises:
        DatasetError: a folder or file that is there but holds nothing that is known.
    """
    path = Path(word)
    is_yaml = path.suffix.lower() in (".yaml", ".yml")
    if not path.exists():
        return None
    found = recognise(path)
    if is_yaml and not any(r.format == "yolo" for r in found):
        return None  # a configuration, or a file whose faults are told when it is read as one
    if not found:
        if recognise_data(path) is not None:
            return None
        raise nothing_known(path)
    return found[0]


def source_words(words: Sequence[str]) -> list[str]:
    """The words of a command with a folder or table at their head replaced by the options that describe it.

    Raises:
        ConfigError: it holds annotations that have to be imported first.
        DatasetError: it holds nothing that is known.
    """
    found = recognised(words[0]) if words else None
    if found is None:
        other = recognise_data(Path(words[0])) if words and Path(words[0]).exists() else None
        if other is None:
            return list(words)
        info, options = other
        return [f"task={info.id}", *_pairs(options), *words[1:]]
    if not found.as_it_is:
        text = f"{words[0]} holds annotations ({found.title}), not masks. Import them first: {typed('import', words[0])}"
        raise ConfigError([("", text)])
    if "config" in found.options:
        return [str(found.options["config"]), *words[1:]]
    return [*_pairs(found.options), *words[1:]]


def _pairs(options: Mapping[str, Any]) -> list[str]:
    return [f"data.{key}={_written(value)}" for key, value in options.items()]


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
