"""A plain mapping as configuration: short names, nested sections or dotted keys. Torch-free, Qt-free."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from src.core.config import (
    ConfigError,
    Layer,
    Resolved,
    RunConfig,
    flatten,
    nest,
    options,
    preset_layer,
    resolve,
)
from src.core.config.layers import nearest
from src.tasks.segmentation.config import SegmentationConfig

#: Short name to the key of the configuration. Several short names may mean the same option, but only one may
#: be given.
SHORT_NAMES: dict[str, str] = {
    "architecture": "model.architecture",
    "encoder": "model.encoder",
    "encoder_name": "model.encoder",
    "encoder_weights": "model.encoder_weights",
    "freeze_epochs": "model.freeze_epochs",
    "num_epochs": "training.epochs",
    "epochs": "training.epochs",
    "batch_size": "training.batch_size",
    "learning_rate": "training.optimizer.learning_rate",
    "lr": "training.optimizer.learning_rate",
    "weight_decay": "training.optimizer.weight_decay",
    "momentum": "training.optimizer.momentum",
    "optimizer": "training.optimizer.name",
    "scheduler": "training.schedule.name",
    "warmup_epochs": "training.schedule.warmup_epochs",
    "loss": "training.loss.name",
    "loss_function": "training.loss.name",
    "dice_weight": "training.loss.dice_weight",
    "bce_weight": "training.loss.bce_weight",
    "focal_weight": "training.loss.focal_weight",
    "class_weights": "training.loss.class_weights",
    "early_stopping_patience": "training.early_stopping.patience",
    "clip_norm": "training.clip_norm",
    "accumulate": "training.accumulate",
    "precision": "training.precision",
    "device": "training.device",
    "seed": "training.seed",
    "split_dir": "data.split_dir",
    "images_dir": "data.images_dir",
    "masks_dir": "data.masks_dir",
    "table": "data.table",
    "image_size": "data.image_size",
    "in_channels": "data.channels",
    "num_workers": "data.workers",
    "augmentation_prob": "data.augmentation.probability",
    "classes": "data.masks.classes",
    "num_classes": "data.masks.classes",
    "ignore_value": "data.masks.ignore_value",
    "ignore_index": "data.masks.ignore_value",
    "val_fraction": "data.split.val_fraction",
    "best_metric": "monitoring.best_metric",
    "checkpoint_dir": "runs_dir",
}
_ARCHITECTURES = {
    "deeplabv3+": "deeplabv3plus",
    "deeplab": "deeplabv3plus",
    "unet++": "unetplusplus",
    "u-net": "unet",
    "u-net++": "unetplusplus",
}
#: Options whose value names a place on this machine.
_PATHS = ("runs_dir", "data.images_dir", "data.masks_dir", "data.split_dir", "data.table")


def resolve_config(config: RunConfig | Resolved[Any] | Mapping[str, Any]) -> Resolved[Any]:
    """A typed, resolved or plain configuration as a resolved one, with absolute paths.

    In a mapping a key is a short name (`SHORT_NAMES`), a section with its own mapping (``training: {epochs:
    3}``), or a dotted key (``training.epochs``); ``preset`` names a preset that the other values change.
    ``checkpoint_dir`` is the folder in which the run folder is made. ``num_classes`` counts the classes with
    the background; 1 is one object class against the background, the same as 2.

    Raises:
        ConfigError: Unknown keys (with the nearest names), an option given twice, values out of bounds.
    """
    if isinstance(config, Resolved):
        resolved: Resolved[Any] = config
    elif isinstance(config, RunConfig):
        resolved = _from_typed(config)
    else:
        resolved = _from_mapping(config)
    return _with_absolute_paths(resolved)


def mapping_layers(values: Mapping[str, Any]) -> list[Layer]:
    """The layers of a plain mapping: its preset, where it names one, and its values.

    Raises:
        ConfigError: As in `resolve_config`.
    """
    rest = dict(values)
    preset = rest.pop("preset", None)
    layers = [preset_layer("segmentation", str(preset))] if preset else []
    return [*layers, Layer("dialog", nest(_dotted(rest)))]


def _from_typed(config: RunConfig) -> Resolved[Any]:
    default = flatten(type(config)().model_dump(mode="json"))
    # Through validation once more: assignments inside a section are checked there, combinations are not.
    values = config.model_dump(mode="json")
    origins = {k: "default" if default.get(k) == v else "dialog" for k, v in flatten(values).items()}
    return Resolved(resolve(type(config), [Layer("dialog", values)]).config, origins)


def _from_mapping(values: Mapping[str, Any]) -> Resolved[Any]:
    return resolve(SegmentationConfig, mapping_layers(values))


def _dotted(values: Mapping[str, Any]) -> dict[str, Any]:
    """Short names, sections and dotted keys as dotted keys; a key of each kind may stand beside the
    others.
    """
    schema = {o.key for o in options(SegmentationConfig)}
    sections = {key.split(".", 1)[0] for key in schema if "." in key}
    given: dict[str, str] = {}
    flat: dict[str, Any] = {}
    problems: list[tuple[str, str]] = []
    for name, value in values.items():
        for key, leaf in _place(str(name), value, schema, sections, problems):
            if key in flat and flat[key] != leaf:
                problems.append(
                    (str(name), f"It sets {key}, which “{given[key]}” sets to something else; leave one out.")
                )
            flat[key], given[key] = leaf, str(name)
    if problems:
        raise ConfigError(problems)
    return flat


def _place(
    name: str, value: Any, schema: set[str], sections: set[str], problems: list[tuple[str, str]]
) -> list[tuple[str, Any]]:
    """The dotted keys and values that one entry of the mapping stands for."""
    if isinstance(value, Mapping) and (name in sections or "." in name):
        return list(flatten(value, f"{name}.").items())
    if isinstance(value, Mapping) and name in ("loss", "optimizer"):
        return list(flatten(value, f"training.{name}.").items())
    if name in SHORT_NAMES:
        key = SHORT_NAMES[name]
    elif (
        name in schema or "." in name
    ):  # dotted keys that are unknown are refused by the schema, with the nearest names
        return [(name, _plain(value))]
    else:
        problems.append(
            (name, f"There is no option of this name.{nearest(name, [*SHORT_NAMES, *sorted(schema)])}")
        )
        return []
    try:
        return [(key, _CONVERT.get(name, _plain)(value))]
    except (TypeError, ValueError) as error:
        problems.append((name, str(error)))
        return []


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value


def _architecture(value: Any) -> str:
    name = str(value).strip().lower().replace(" ", "")
    return _ARCHITECTURES.get(name, name)


def _weights(value: Any) -> str | None:
    return None if value is None or str(value).strip().lower() in ("", "none") else str(value)


def _size(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        return value
    sides = set(value)
    if len(value) == 2 and len(sides) == 1:
        return sides.pop()
    raise ValueError(
        f"Images are squares for the model: give one number, not {list(value)!r}. "
        "The option data.resize says how they fit."
    )


def _classes(value: Any) -> list[str]:
    if isinstance(value, (list, tuple)):
        return [str(name) for name in value]
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"Give the number of classes or the list of their names, not {value!r}.")
    return ["background", "object"] if value <= 2 else [f"class {number}" for number in range(value)]


def _lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


_CONVERT = {
    "architecture": _architecture,
    "encoder_weights": _weights,
    "image_size": _size,
    "classes": _classes,
    "num_classes": _classes,
    "loss": _lower,
    "loss_function": _lower,
    "optimizer": _lower,
    "scheduler": _lower,
}


def _with_absolute_paths(resolved: Resolved[Any]) -> Resolved[Any]:
    """Paths of a mapping are relative to the working directory; in a file they would be relative to the
    file.
    """
    config = resolved.config.model_copy(deep=True)
    flat = resolved.flat()
    for key in _PATHS:
        if flat.get(key):
            _assign(config, key, str(Path(flat[key]).expanduser().resolve()))
    weights = flat.get("model.encoder_weights")
    if weights and Path(weights).expanduser().is_file():
        _assign(config, "model.encoder_weights", str(Path(weights).expanduser().resolve()))
    return Resolved(config, resolved.origins)


def _assign(config: Any, key: str, value: Any) -> None:
    *parents, leaf = key.split(".")
    for part in parents:
        config = getattr(config, part)
    setattr(config, leaf, value)
