"""What the train dialog works on: the configuration, the origin of its values, what is wrong. No Qt here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from src.core.config import (
    ConfigError,
    Layer,
    Resolved,
    RunConfig,
    file_layer,
    flatten,
    nest,
    options,
    preset_layer,
    presets,
    read_yaml,
    resolve,
)
from src.core.dataset.findings import Finding
from src.core.task_info import TaskInfo
from src.tasks.catalog import TASKS, task_info
from src.tasks.segmentation.legacy import mapping_layers, resolve_config

#: A finding about files names no option; its code says which one has to do with it.
_KEY_OF_CODE = {
    "masks": "data.masks.meaning",
    "split": "data.split.group_by",
    "source": "data.images_dir",
    "table": "data.table",
    "images": "data.images_dir",
    "files": "data.images_dir",
    "changed": "data.images_dir",
}
_KEY_OF_EXACT_CODE = {
    "masks.polarity": "data.masks.foreground",
    "masks.ignored_class": "data.masks.ignore_value",
    "source.no_masks": "data.masks_dir",
    "source.masks_dir": "data.masks_dir",
    "source.orphans": "data.masks_dir",
    "source.unlabelled": "data.unlabelled",
    "split.pattern": "data.split.group_pattern",
    "split.column": "data.split.group_column",
    "files.unreadable": "data.max_unreadable",
    "split.shares": "data.split.val_fraction",
    "split.no_train": "data.split_dir",
    "split.unreadable": "data.split_dir",
    "split.ambiguous": "data.split_dir",
    "split.none_found": "data.split_dir",
    "split.overlap": "data.split_dir",
    "split.repeated": "data.split_dir",
    "split.relocated": "data.split_dir",
    "facts.rate": "data.facts.rate_hz",
    "facts.speed": "data.facts.speed_rpm",
    "facts.label": "data.facts.label",
    "facts.odd_rate": "data.facts.rate_hz",
    "names.unmatched": "data.name_pattern",
    "facts.rates": "data.windows.resample_hz",
    "speed.unit": "data.facts.speed_unit",
    "channel.missing": "data.channel",
    "channel.chosen": "data.channel",
    "labels.rename": "data.rename",
    "windows.short": "data.windows.length",
}
_SEVERITIES = ("error", "warning", "notice")


@dataclass
class Checked:
    """The state of the configuration after an edit.

    Attributes:
        resolved: The configuration; None while a value cannot be used.
        findings: Errors first. Those of values that cannot be used are among them.
    """

    resolved: Resolved[Any] | None
    findings: list[Finding] = field(default_factory=list)

    @property
    def errors(self) -> list[Finding]:
        """What keeps the training from starting."""
        return [f for f in self.findings if f.severity == "error"]


class TrainSetup:
    """The configuration below the changes made in the dialog.

    Attributes:
        info: The task.
        base: What preset, file or caller gave.
        preset: Name of the preset, or nothing.
        basis: Where the values are from while there is no preset, in words.
        initial: Values that the caller gave beside the configuration, as changes.
    """

    def __init__(
        self, config: RunConfig | Resolved[Any] | Mapping[str, Any] | None, paths: Mapping[str, Any] | None
    ) -> None:
        """
        Raises:
            ConfigError: Unknown keys or values out of bounds in what the caller gave.
        """
        self.preset = ""
        self.basis = "Settings of your own"
        if config is None:
            self.info: TaskInfo = task_info(str((paths or {}).get("task") or next(iter(TASKS))))
            self.preset = next(iter(presets(self.info.id)), "")
            layers = [preset_layer(self.info.id, self.preset)] if self.preset else []
            self.base: Resolved[Any] = resolve(self.info.config, layers)
        else:
            self.base = resolve_config(config)
            self.info = task_info(self.base.config.task)
            named = isinstance(config, Mapping) and config.get("preset")
            self.preset = str(named) if named else ""
            if "file" in self.base.origins.values():
                self.basis = "From the data set's file"
        self.initial = self._paths(paths)

    def _paths(self, paths: Mapping[str, Any] | None) -> dict[str, Any]:
        given = {k: v for k, v in (paths or {}).items() if v not in (None, "") and k != "task"}
        flat = flatten(mapping_layers(given)[-1].values)
        resolved = resolve(self.info.config, [Layer("dialog", nest(flat))])
        return {key: resolve_config(resolved).flat()[key] for key in flat}

    @property
    def schema(self) -> type[RunConfig]:
        """The pydantic model of the configuration."""
        return self.info.config

    def preset_titles(self) -> dict[str, tuple[str, str]]:
        """Name of each preset to its title and the sentence about it."""
        found = {}
        for name, path in presets(self.info.id).items():
            values = read_yaml(path)
            found[name] = (str(values.get("title") or name), str(values.get("about") or ""))
        return found

    def choose_preset(self, name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Go to another preset; what it does not say stays as it is. Returns the changes that are left."""
        layer = preset_layer(self.info.id, name)
        says = flatten(layer.values)
        flat = self.base.flat()
        kept = {
            k: flat[k]
            for k, o in self.base.origins.items()
            if o not in ("default", "preset") and k not in says
        }
        self.base = resolve(self.schema, [layer, Layer("dialog", nest(kept))])
        self.preset = name
        return {k: v for k, v in changes.items() if k not in says}

    def differs(self, changes: Mapping[str, Any]) -> bool:
        """Whether somebody changed what preset or file say; which data it is about, and names, are nothing of theirs."""
        own = {o.key for o in options(self.schema) if o.path or o.key == "name"}
        return any(
            k not in own and (k not in self.initial or self.initial[k] != v) for k, v in changes.items()
        )

    def load(self, path: Path) -> None:
        """Take a configuration file instead of preset and changes.

        Raises:
            ConfigError: It cannot be read, or holds unknown keys or values out of bounds.
        """
        raw = read_yaml(path)
        info = task_info(str(raw.get("task", self.info.id)))
        if info.id != self.info.id:
            raise ConfigError(
                [("task", f"{path.name} is for “{info.title}”, this window for “{self.info.title}”.")]
            )
        self.base = resolve(info.config, [file_layer(path, info.config)])
        self.preset = ""
        self.basis = f"From {path.name}"

    def apply(self, changes: Mapping[str, Any]) -> Resolved[Any]:
        """The configuration with the changes of the dialog, paths made absolute.

        Raises:
            ConfigError: A value cannot be used.
        """
        both = resolve(self.schema, [Layer("dialog", nest({**self.base.flat(), **changes}))])
        origins = {k: "dialog" if k in changes else self.base.origins.get(k, "default") for k in both.origins}
        return resolve_config(Resolved(both.config, origins))

    def check(self, changes: Mapping[str, Any], faults: Mapping[str, str]) -> Checked:
        """Everything that can be said without reading the data; ``faults`` are texts that are no values."""
        if faults:
            return Checked(
                None, [Finding("error", "value", text, "", (key,)) for key, text in faults.items()]
            )
        try:
            resolved = self.apply(changes)
        except ConfigError as error:
            return Checked(
                None, [Finding("error", "value", text, "", (key,)) for key, text in error.problems]
            )
        return Checked(resolved, in_order(self.info.check(resolved.config, None)))

    def labels(self) -> dict[str, str]:
        """Key to label of every option."""
        return {o.key: o.label for o in options(self.schema)}


def in_order(findings: list[Finding]) -> list[Finding]:
    """Errors first, and nothing twice."""
    unique = list({(f.code, f.message): f for f in findings}.values())
    return sorted(unique, key=lambda f: _SEVERITIES.index(f.severity))


def key_of(finding: Finding, known: Mapping[str, Any]) -> str:
    """The option that a finding is about, or nothing."""
    if finding.where and finding.where[0] in known:
        return finding.where[0]
    exact = _KEY_OF_EXACT_CODE.get(finding.code, "")
    return exact or _KEY_OF_CODE.get(finding.code.split(".", 1)[0], "")
