"""The preview of a source that the engine reads as it is: the check's own description of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from src.core.config import ConfigError, Layer, file_layer, nest, resolve
from src.core.config.fields import Section, section
from src.core.dataset.checking.scan import DescriptionCancelledError
from src.core.dataset.config import ImageDataConfig
from src.core.dataset.describe import describe
from src.core.dataset.description import DatasetDescription
from src.core.dataset.findings import Finding, listed
from src.core.dataset.formats.book import Cancelled, ImportCancelledError, Progress, Recognised
from src.core.dataset.formats.remarks import refused
from src.core.dataset.masks import MaskMeaning
from src.core.dataset.records import SPLITS

_AS_IT_IS = "It is read as it is: nothing has to be derived."


class _DataOnly(Section):
    """The part of a task's configuration that says where the data are."""

    data: ImageDataConfig = section(ImageDataConfig, "Data")


@dataclass
class NativePlan:
    """See the attributes of the same names of ``ImportPlan``."""

    settings: dict[str, Any]
    said: list[str] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    parts: dict[str, int] = field(default_factory=dict)
    class_images: list[int] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    fingerprint: str = ""
    meaning: MaskMeaning | None = None


def look_at(found: Recognised, progress: Progress | None, cancelled: Cancelled | None) -> NativePlan:
    """Describe the data; where most of all pixels would be the object, take the other side and say so.

    Raises:
        ImportCancelledError: ``cancelled`` said so.
    """
    try:
        config, settings = configuration(found)
    except ConfigError as error:
        return NativePlan({}, findings=[refused("config", text) for _, text in error.problems])
    try:
        data = describe(config, progress, cancelled)
        polarity = next(
            (f for f in data.findings if f.code == "masks.polarity" and f.severity == "error"), None
        )
        said = []
        if polarity is not None:
            settings |= {"masks.meaning": "binary", "masks.foreground": "dark"}
            config = resolve(
                _DataOnly, [Layer("dialog", nest({f"data.{k}": v for k, v in settings.items()}))]
            ).config.data
            data = describe(config, progress, cancelled)
            text = "Bright pixels are more than half of all, so the dark ones are taken as the object."
            data.findings.insert(
                0,
                Finding(
                    "warning",
                    "import.polarity",
                    text,
                    "If it is the other way, set data.masks.foreground: bright.",
                ),
            )
            said.append("The object is dark on bright.")
    except DescriptionCancelledError as error:
        raise ImportCancelledError("Cancelled.") from error
    return _of(data, settings, said)


def configuration(found: Recognised) -> tuple[ImageDataConfig, dict[str, Any]]:
    """The options of a recognised source as a configuration, and dotted below ``data.``.

    Raises:
        ConfigError: a configuration that lies there is faulty.
    """
    if "config" in found.options:
        values = {"data": absolute_data(found)}
    else:
        values = nest({f"data.{key}": value for key, value in found.options.items()})
    resolved = resolve(_DataOnly, [Layer("file", values)])
    plain = {} if "config" in found.options else dict(found.options)
    return resolved.config.data, plain


def absolute_data(found: Recognised) -> dict[str, Any]:
    """The section ``data`` of a configuration that was found, its paths absolute.

    Raises:
        ConfigError: it is faulty.
    """
    values = file_layer(Path(found.options["config"]), _DataOnly).values.get("data", {})
    return dict(values) if isinstance(values, dict) else {}


def _of(data: DatasetDescription, settings: dict[str, Any], said: list[str]) -> NativePlan:
    samples = data.all_samples
    step = max(1, len(samples) // 12)
    names = list(data.class_names)
    part_of = {s.id: part for part in SPLITS for s in data.samples.get(part, [])}
    shown = [
        {
            "id": s.id,
            "image": s.image,
            "mask": s.mask,
            "split": part_of[s.id],
            "objects": {names[c]: 1 for c in s.classes if c},
        }
        for s in samples[::step][:12]
    ]
    if settings.get("masks.classes"):
        ignored = settings.get("masks.ignore_value")
        said.append(
            f"The values of the masks stand for {listed(settings['masks.classes'], 6)}, by a table or a known convention"
            + ("." if ignored is None else f"; {ignored} is ignored.")
        )
    return NativePlan(
        settings,
        [*said, data.summary(), *([] if data.has_errors else [_AS_IT_IS])],
        names,
        {part: n for part in SPLITS if (n := len(data.samples.get(part, [])))},
        [sum(c in s.classes for s in samples) for c in range(len(names))],
        shown,
        data.findings,
        data.fingerprint,
        data.meaning,
    )
