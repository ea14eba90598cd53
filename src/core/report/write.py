"""Puts facts, figures and pictures into one page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from src import __version__
from src.core.dataset.palette import class_colours
from src.core.report import text
from src.core.report.facts import RunFacts, read_facts
from src.core.report.figures import Drawing, draw
from src.core.report.pictures import MOST_ROWS, preview_rows
from src.core.run import TITLES, RunFolder
from src.core.run.folder import write_atomically

#: Columns of the table of classes, in this order; other values of a task follow them.
_COLUMNS = ("iou", "dice", "precision", "recall", "f1")
_TONES = {
    "completed": "good",
    "stopped_early": "good",
    "stopped": "neutral",
    "paused": "neutral",
    "failed": "bad",
    "killed": "bad",
}
_PARTS = {"train": "Training", "val": "Validation", "test": "Test"}
_LAYERS = {
    "preset": "preset",
    "file": "file",
    "dialog": "dialog",
    "command line": "command line",
    "detected": "read from the data",
}


def write_report(folder: RunFolder, ending: Mapping[str, Any] | None = None) -> Path:
    """Write ``report/index.html`` and a PNG file of each figure beside it.

    The page needs no other file and no network. It is made from what is in the run folder, so it can be made
    again at any time, for a run in any state.

    Args:
        folder: The run.
        ending: ``status``, ``cause`` and ``cure``, while the log does not yet say how the run ended.

    Returns:
        The page.

    Raises:
        OSError: The folder cannot be written.
    """
    facts = read_facts(folder, ending)
    drawings = draw(facts)
    folder.report.mkdir(parents=True, exist_ok=True)
    for drawing in drawings:
        write_atomically(folder.report / f"{drawing.name}.png", drawing.png)
    page = folder.report / "index.html"
    write_atomically(page, render(facts, drawings).encode("utf-8"))
    return page


def render(facts: RunFacts, drawings: list[Drawing]) -> str:
    """The page as text."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(
        number=text.number,
        percent=text.percent,
        duration=text.duration,
        plain=text.plain,
        title=text.metric_title,
    )
    here = files(__package__)
    template = environment.from_string(here.joinpath("template.html").read_text("utf-8"))
    given, defaults = _configuration(facts)
    rows = preview_rows(facts)
    return template.render(
        facts=facts,
        name=facts.folder.name,
        status=TITLES.get(facts.status, facts.status),
        tone=_TONES.get(facts.status, "neutral"),
        sentence=ending_sentence(facts),
        style=Markup(here.joinpath("style.css").read_text("utf-8")),
        tiles=_tiles(facts),
        drawings=[(d, Markup(d.svg)) for d in drawings],
        classes=_class_table(facts),
        baselines=_baseline_table(facts),
        data=_data(facts),
        rows=rows,
        rows_left=len(facts.previews) - len(rows),
        most_rows=MOST_ROWS,
        legend=_legend(facts),
        given=given,
        defaults=defaults,
        layers=_LAYERS,
        environment=_environment(facts),
        model=(facts.folder.path / "model.safetensors").is_file(),
        version=__version__,
        segmentation={"model.architecture", "model.encoder"} <= facts.config.keys(),
        written=f"{dt.datetime.now():%Y-%m-%d %H:%M}",
    )


def ending_sentence(facts: RunFacts) -> str:
    """How the run ended, in one sentence without its cause."""
    done, planned = len(facts.epochs), facts.planned_epochs
    epochs = f"{done} of {text.count(planned, 'epoch')}" if planned else text.count(done, "epoch")
    if facts.status == "completed":
        return (
            f"The run trained all its {text.count(done, 'epoch')}."
            if done != 1
            else "The run trained its one epoch."
        )
    verbs = {
        "stopped_early": "stopped by itself",
        "stopped": "was stopped",
        "paused": "was paused",
        "failed": "failed",
        "killed": "was killed",
    }
    if facts.status in verbs:
        return f"The run {verbs[facts.status]} after {epochs}."
    return f"The run has not ended yet: {epochs} done." if facts.started else "The run has not started yet."


def _tiles(facts: RunFacts) -> list[tuple[str, str, str]]:
    """The numbers at the head: title, value, remark."""
    tiles = []
    if facts.best is not None:
        title = text.metric_title(facts.metric)
        where = "" if facts.metric == "train_loss" else "validation, "
        remark = (
            f"{where}in epoch {facts.best['epoch']}"
            if facts.best_value is not None
            else "it was never a number"
        )
        tiles.append((f"Best {title}", text.number(facts.best_value), remark))
    if facts.started:
        attempts = len(facts.started)
        said = f"in {attempts} attempts" if attempts > 1 else ""
        tiles.append(("Epochs", f"{len(facts.epochs)} of {facts.planned_epochs}", said))
    if facts.epochs:
        each = facts.seconds / len(facts.epochs)
        tiles.append(("Time", text.duration(facts.seconds), f"{text.duration(each)} an epoch"))
        speed = text.number(facts.images_per_second, 3)
        tiles.append(("Speed", f"{speed} {facts.noun.many}/s", "in training, median of the epochs"))
    if facts.started:
        last = facts.started[-1]
        tiles.append(("Model", f"{(last.get('parameters') or 0) / 1e6:.1f} M", "parameters"))
        tiles.append(("Device", str(last.get("device") or text.DASH), str(last.get("precision") or "")))
    if facts.peak_gpu_memory_mb:
        tiles.append(("GPU memory", f"{facts.peak_gpu_memory_mb / 1024:.1f} GiB", "highest reading"))
    elif facts.peak_memory_mb:
        tiles.append(("Memory", f"{facts.peak_memory_mb / 1024:.1f} GiB", "highest reading"))
    return tiles


def _class_table(facts: RunFacts) -> dict[str, Any] | None:
    """Values at the best epoch: of each class, of all pixels, and mean and deviation over images."""
    if facts.best is None or not facts.best.get("metrics"):
        return None
    per_class: Mapping[str, Mapping[str, Any]] = facts.best.get("per_class") or {}
    metrics: Mapping[str, Any] = facts.best["metrics"]
    known = [c for c in _COLUMNS if c in metrics or any(c in v for v in per_class.values())]
    columns = known or [key for key in metrics if not key.endswith(("_mean", "_std"))]
    images = [(metrics.get(f"{c}_mean"), metrics.get(f"{c}_std")) for c in columns]
    return {
        "epoch": facts.best["epoch"],
        "columns": columns,
        "rows": [(name, [values.get(c) for c in columns]) for name, values in per_class.items()],
        "pooled": [metrics.get(c) for c in columns],
        "accuracy": metrics.get("accuracy"),
        "images": images if any(text.is_number(mean) for mean, _ in images) else None,
    }


def _baseline_table(facts: RunFacts) -> dict[str, Any] | None:
    """The model at its best epoch beside what needs no training: values that both have, the chosen metric first."""
    if not facts.baselines or facts.best is None:
        return None
    own: Mapping[str, Any] = facts.best.get("metrics") or {}
    shared = [key for key in own if any(key in b["metrics"] for b in facts.baselines)]
    columns = sorted(shared, key=lambda key: key != facts.metric)
    rows = [(str(b.get("name", "")), str(b.get("about", "")), [b["metrics"].get(c) for c in columns])
            for b in facts.baselines]  # fmt: skip
    return {"columns": columns, "model": [own.get(c) for c in columns], "rows": rows}


def _data(facts: RunFacts) -> dict[str, Any] | None:
    data = facts.data
    if not data:
        return None
    samples: Mapping[str, list[Any]] = data.get("samples") or {}
    sizes = {k: f"{v[0]} × {v[1]}" for k, v in (data.get("sizes") or {}).items() if len(v) == 2}
    parts = [part for part in _PARTS if samples.get(part)]
    counts = {part: _counts(samples[part]) for part in parts}
    shown = {facts.noun.many.capitalize(): 0}
    if facts.masks:
        shown["With an object"] = 1
    if any(groups < many for many, _, groups in counts.values()):
        shown["Groups"] = 2
    return {
        "summary": data.get("summary") or "",
        "root": data.get("root") or "",
        "heads": list(shown),
        "parts": [(part, _PARTS[part], [counts[part][n] for n in shown.values()]) for part in parts],
        "sizes": sizes,
        "quarantined": [item for item in data.get("quarantined") or [] if len(item) == 2],
        "meaning": data.get("meaning") or {},
    }


def _counts(samples: list[Any]) -> tuple[int, int, int]:
    """Samples, samples with an object, groups."""
    items = [s for s in samples if isinstance(s, dict)]
    return len(items), sum(bool(s.get("has_object")) for s in items), len({s.get("group") for s in items})


def _legend(facts: RunFacts) -> list[tuple[str, str]]:
    """Names and colours of the classes in the pictures; the background is drawn as nothing."""
    names = [str(name) for name in (facts.started[-1].get("class_names") or [])] if facts.started else []
    colours = class_colours(len(names))
    return [(name, "rgb({}, {}, {})".format(*rgb)) for name, rgb in zip(names[1:], colours[1:], strict=True)]


def _configuration(facts: RunFacts) -> tuple[list[tuple[str, Any, str]], list[tuple[str, Any]]]:
    """What was set for this run with its layer, and what was left as it is."""
    given = [
        (key, value, facts.origins[key])
        for key, value in facts.config.items()
        if facts.origins.get(key, "default") != "default"
    ]
    return given, [
        (key, value) for key, value in facts.config.items() if facts.origins.get(key, "default") == "default"
    ]


def _environment(facts: RunFacts) -> list[tuple[str, str]]:
    titles = {
        "lathe": "Lathe",
        "git": "Source",
        "python": "Python",
        "platform": "System",
        "processor": "Processor",
        "device": "Device",
        "cuda": "CUDA",
        "data_fingerprint": "Fingerprint of the data",
        "split_hash": "Hash of the split",
    }
    found = [
        (titles.get(k, text.metric_title(k)), str(v))
        for k, v in facts.environment.items()
        if v and not isinstance(v, dict)
    ]
    versions = facts.environment.get("versions")
    return found + ([(str(k), str(v)) for k, v in versions.items()] if isinstance(versions, dict) else [])
