"""All that a report says, read from the run folder alone."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from src.core.config import flatten
from src.core.dataset.findings import IMAGE, Noun
from src.core.report.text import is_number
from src.core.run import Event, EventTail, RunFolder, RunSummary, history, summarise_events

#: Readings of memory are left out of the report where the log is longer than this: they fill it.
_LONG_LOG_BYTES = 64 << 20


@dataclass(frozen=True)
class ClassShare:
    """A class of the data set and its share of each part (0 to 1): of the pixels, or of the samples without masks."""

    name: str
    shares: Mapping[str, float]


@dataclass
class RunFacts:
    """What is known of a run.

    Attributes:
        folder: The run.
        status, cause, cure: How it ended; ``status`` is one of the states of a run.
        epochs: One ``epoch_completed`` event an epoch, in order.
        started: Every ``run_started`` event: one an attempt.
        metric, maximise: The value by which the best model was chosen, and whether more is better.
        best: The epoch with the best value; the last where no value was ever measured; None without epochs.
        seconds: Training and validation together.
        warnings: Each once, with the number of times it occurred under ``count``.
        decided: What was read from the data and decided, as findings.
        baselines: What needs no training, on the same samples: name, about and metrics of each.
        previews: The items of the preview event nearest to the best epoch; ``preview_epoch`` says which.
        data: The data-set description, or an empty mapping.
        config: Dotted key to value; ``origins`` holds the layer of those that are not defaults.
    """

    folder: RunFolder
    status: str = "new"
    cause: str = ""
    cure: str = ""
    epochs: list[Event] = field(default_factory=list)
    started: list[Event] = field(default_factory=list)
    metric: str = ""
    maximise: bool = True
    best: Event | None = None
    seconds: float = 0.0
    images_per_second: float | None = None
    peak_memory_mb: float | None = None
    peak_gpu_memory_mb: float | None = None
    warnings: list[dict[str, Any]] = field(default_factory=list)
    decided: list[dict[str, Any]] = field(default_factory=list)
    baselines: list[dict[str, Any]] = field(default_factory=list)
    previews: list[dict[str, Any]] = field(default_factory=list)
    preview_epoch: int | None = None
    data: dict[str, Any] = field(default_factory=dict)
    class_shares: list[ClassShare] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)

    @property
    def noun(self) -> Noun:
        """What a sample of the data is called."""
        said = self.data.get("noun")
        return Noun(*map(str, said)) if isinstance(said, list) and len(said) == 2 else IMAGE

    @property
    def masks(self) -> bool:
        """The samples are images with masks: values and shares are of pixels. So they were in all older runs."""
        return "meaning" in self.data or "noun" not in self.data

    @property
    def planned_epochs(self) -> int:
        """Epochs that were to be trained; 0 where the run never started."""
        return int(self.started[-1].get("epochs") or 0) if self.started else 0

    @property
    def best_value(self) -> float | None:
        """The best value of the metric, or None where none was ever measured."""
        value = self.epochs[-1].get("best_value") if self.epochs else None
        return value if is_number(value) else None

    def series(self, key: str) -> list[float | None]:
        """A value of each epoch, None where it was not a number; dotted keys reach into mappings."""
        return [_number(event.data, key) for event in self.epochs]


def _number(values: Any, key: str) -> float | None:
    for part in key.split("."):
        values = values.get(part) if isinstance(values, Mapping) else None
    return float(values) if is_number(values) else None


def read_facts(folder: RunFolder, ending: Mapping[str, Any] | None = None) -> RunFacts:
    """Read a run folder. Whatever is absent or damaged in it is left out of the result.

    Args:
        folder: The run, whatever its state.
        ending: Status, cause and cure, where the log does not say them yet.
    """
    events = history(list(EventTail(folder.events).read(skip=_skipped(folder))))
    summary = summarise_events(folder, events, alive=False)
    facts = RunFacts(folder, *_ending(summary, ending))
    facts.started = [e for e in events if e.type == "run_started"]
    facts.epochs = _one_an_epoch([e for e in events if e.type == "epoch_completed"])
    facts.metric = summary.metric
    facts.maximise = not facts.started or facts.started[-1].get("mode") != "min"
    facts.best = _best_epoch(facts)
    _read_costs(facts, events)
    facts.data = folder.read_json(folder.dataset / "description.json")
    facts.class_shares = _class_shares(facts.data) if facts.masks else _sample_shares(facts.data)
    _read_warnings(facts, events)
    _read_previews(facts, events)
    _read_baselines(facts, events)
    facts.config, facts.origins = _read_config(folder)
    facts.environment = folder.read_json(folder.environment)
    return facts


def _skipped(folder: RunFolder) -> tuple[str, ...]:
    try:
        long = folder.events.stat().st_size > _LONG_LOG_BYTES
    except OSError:
        long = False
    return ("batch_progress", "resource_sample") if long else ("batch_progress",)


def _ending(summary: RunSummary, ending: Mapping[str, Any] | None) -> tuple[str, str, str]:
    if ending is None:
        return summary.state, summary.cause, summary.cure
    return (
        str(ending.get("status") or summary.state),
        str(ending.get("cause") or ""),
        str(ending.get("cure") or ""),
    )


def _one_an_epoch(events: list[Event]) -> list[Event]:
    """The last event of each epoch, in the order of the epochs."""
    latest = {int(event.get("epoch", 0)): event for event in events}
    return [latest[epoch] for epoch in sorted(latest)]


def _best_epoch(facts: RunFacts) -> Event | None:
    if not facts.epochs:
        return None
    wanted = facts.epochs[-1].get("best_epoch")
    return next((e for e in facts.epochs if e.get("epoch") == wanted), facts.epochs[-1])


def _read_costs(facts: RunFacts, events: list[Event]) -> None:
    facts.seconds = sum(
        sum(s for s in (e.get("seconds") or {}).values() if is_number(s)) for e in facts.epochs
    )
    rates = [rate for rate in facts.series("images_per_second") if rate]
    facts.images_per_second = statistics.median(rates) if rates else None
    samples = [e for e in events if e.type == "resource_sample"]
    memory = [e["memory_mb"] for e in samples if is_number(e.get("memory_mb"))]
    gpu = [e["gpu_memory_mb"] for e in samples if is_number(e.get("gpu_memory_mb"))]
    facts.peak_memory_mb = max(memory, default=None)
    facts.peak_gpu_memory_mb = max(gpu, default=None)


def _class_shares(data: Mapping[str, Any]) -> list[ClassShare]:
    names = (data.get("meaning") or {}).get("classes") or []
    pixels: Mapping[str, list[int]] = data.get("class_pixels") or {}
    found = []
    for number, name in enumerate(names):
        known = {part: values for part, values in pixels.items() if len(values) == len(names) and any(values)}
        found.append(ClassShare(str(name), {part: v[number] / sum(v) for part, v in known.items()}))
    return found


def _sample_shares(data: Mapping[str, Any]) -> list[ClassShare]:
    """How many of the samples of each part hold each class."""
    names = [str(name) for name in data.get("class_names") or []]
    held: dict[str, list[set[int]]] = {
        part: [set(s.get("classes") or ()) for s in samples if isinstance(s, dict)]
        for part, samples in (data.get("samples") or {}).items()
    }
    return [
        ClassShare(name, {part: sum(number in c for c in of) / len(of) for part, of in held.items() if of})
        for number, name in enumerate(names)
    ]


def _read_warnings(facts: RunFacts, events: list[Event]) -> None:
    """Each warning once; what was merely decided from the data is no warning."""
    findings = [f for f in facts.data.get("findings", []) if isinstance(f, dict)]
    facts.decided = [f for f in findings if f.get("severity") == "notice"]
    notices = {(f.get("code"), f.get("message")) for f in facts.decided}
    seen: dict[tuple[Any, Any], dict[str, Any]] = {}
    for event in events:
        if event.type != "warning" or (event.get("code"), event.get("message")) in notices:
            continue
        entry = seen.setdefault((event.get("code"), event.get("message")), {**event.data, "count": 0})
        entry["count"] += 1
    facts.warnings = list(seen.values())


def _read_previews(facts: RunFacts, events: list[Event]) -> None:
    """The previews of the best epoch, or of the nearest one that has some."""
    found = {int(e["epoch"]): e for e in events if e.type == "preview_written" and e.get("items")}
    if not found:
        return
    wanted = int(facts.best["epoch"]) if facts.best is not None else max(found)
    facts.preview_epoch = min(found, key=lambda epoch: (abs(epoch - wanted), -epoch))
    facts.previews = [item for item in found[facts.preview_epoch]["items"] if isinstance(item, dict)]


def _read_baselines(facts: RunFacts, events: list[Event]) -> None:
    found = [e.get("items") for e in events if e.type == "baselines"]
    items = found[-1] if found and isinstance(found[-1], list) else []
    facts.baselines = [i for i in items if isinstance(i, dict) and isinstance(i.get("metrics"), dict)]


def _read_config(folder: RunFolder) -> tuple[dict[str, Any], dict[str, str]]:
    try:
        values = yaml.safe_load(folder.config.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}, {}
    if not isinstance(values, dict):
        return {}, {}
    origins = values.pop("origins", None)
    return flatten(values), {
        str(k): str(v) for k, v in (origins if isinstance(origins, dict) else {}).items()
    }
