"""From a model of the library to the settings of a training that begins with it. No widgets here."""

from __future__ import annotations

from typing import Any

from src.core.config import ConfigError, Layer, Resolved, file_layer, flatten, nest, options, resolve
from src.core.run.library import ModelRecord
from src.tasks.catalog import TASKS, task_info

_START = "model.start_from"
#: What a file says of itself to the option that has to be the same in the new training.
_FACTS = {"architecture": "model.architecture", "encoder": "model.encoder", "in_channels": "data.channels"}


def training_from(record: ModelRecord) -> Resolved[Any]:
    """The configuration of the run that made a model, beginning from that model; of a file, what it says of itself.

    Raises:
        ConfigError: The configuration cannot be read, or its task cannot begin from a model.
    """
    info = task_info(record.task) if record.task else next(iter(TASKS.values()))
    known = {o.key for o in options(info.config)}
    if _START not in known:
        raise ConfigError([("", f"“{info.title}” cannot begin from a trained model.")])
    changed: dict[str, Any] = {_START: str(record.path), "name": ""}
    values: dict[str, Any] = {}
    if record.run is not None:
        values = flatten(file_layer(record.run.config, info.config).values)
    else:
        changed |= {
            key: record.facts[fact] for fact, key in _FACTS.items() if key in known and record.facts.get(fact)
        }
    return resolve(info.config, [Layer("file", nest({**values, **changed}))])
