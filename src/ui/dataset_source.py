"""Where the data set is that a person opened: recognised as the command line does it, made a configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from src.core.config import (
    ConfigError,
    Layer,
    Resolved,
    file_layer,
    nest,
    preset_layer,
    presets,
    read_yaml,
    resolve,
)
from src.core.dataset.findings import DatasetError, Noun
from src.core.dataset.formats import Recognised, nothing_known, recognise
from src.tasks.catalog import recognise_data, task_info


@dataclass
class Source:
    """Where a data set is.

    Attributes:
        folder: What the person opened.
        resolved: Configuration that describes it, ready for the check.
        paths: The data options that were found, without ``data.``: what the training dialog starts from.
        config_file: A configuration that lies in the folder, if one does.
    """

    folder: Path
    resolved: Resolved[Any]
    paths: dict[str, str] = field(default_factory=dict)
    config_file: Path | None = None

    @property
    def noun(self) -> Noun:
        """What a sample of it is called."""
        return task_info(self.resolved.config.task).look.noun


class SourceError(Exception):
    """A folder in which no data set is recognised; the message says what is expected."""


class ToImportError(SourceError):
    """Annotations that have to be imported first.

    Attributes:
        found: What was recognised, the surest first.
    """

    def __init__(self, folder: Path, found: list[Recognised]) -> None:
        super().__init__(
            f"{folder} holds annotations ({found[0].title}), not masks: import them first. {found[0].said}"
        )
        self.found = found


def find_source(folder: Path, task: str = "segmentation") -> Source:
    """Look at a folder, or at a file such as a table; where it is a data set of another task, that is its task.

    Raises:
        ToImportError: It holds annotations.
        SourceError: There is no data set in it, or it cannot be read, or its configuration is wrong.
    """
    try:
        found = recognise(folder)
        other = None if found else recognise_data(folder)
        if not found and other is None:
            raise nothing_known(folder)
        if found and not found[0].as_it_is:
            raise ToImportError(folder, found)
        options = dict(found[0].options) if found else {}
        config = Path(options.pop("config")) if "config" in options else None
        if other is not None:
            task, options = other[0].id, other[1]
        elif config is not None:
            task = str(read_yaml(config).get("task") or task)
        info = task_info(task)
        layers = [preset_layer(task, next(iter(presets(task))))] if presets(task) else []
        if config:
            layers.append(file_layer(config, info.config))
        layers.append(Layer("dialog", nest({f"data.{k}": v for k, v in options.items()})))
        resolved = resolve(info.config, layers)
    except DatasetError as error:
        raise SourceError("\n".join(f"{f.message} {f.cure}".strip() for f in error.findings)) from None
    except ConfigError as error:
        raise SourceError(f"The configuration in {folder} cannot be used. {error}") from None
    data: Any = resolved.config.model_dump()["data"]
    names = ("images_dir", "masks_dir", "split_dir", "table", *(other[1] if other else ()))
    return Source(folder, resolved, {k: v for k in names if (v := data.get(k))}, config)
