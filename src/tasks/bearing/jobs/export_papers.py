"""What goes with an exported model of recordings: class table, facts inside the file, model card."""

from __future__ import annotations

import json
from typing import Any

from src.core.evaluation.classified import TITLES
from src.core.exporting import __version__, card
from src.core.exporting.formats import FILES, FORMATS, RUNTIMES
from src.core.run.model_source import ModelSource
from src.tasks.bearing.jobs.export_config import ExportConfig
from src.tasks.bearing.jobs.new_data import recorded
from src.tasks.bearing.loaded import LoadedModel

_SHAPES = {
    "lines": "batch × kinds of fault (inner, outer, ball) × bands × harmonics × orders around the line",
    "envelope": "batch × bands × axis",
    "fft": "batch × 1 × frequencies",
    "raw": "batch × 1 × samples",
    "stft": "batch × 1 × frequencies × times",
    "cwt": "batch × 1 × frequencies × times",
    "wvd": "batch × 1 × frequencies × times",
}


def class_table(source: ModelSource, loaded: LoadedModel, config: ExportConfig) -> dict[str, Any]:
    """The content of ``classes.json``: all that a program needs to use the file."""
    maker, shape = loaded.maker, loaded.shape
    return {
        "format": "lathe-export-1", "lathe": __version__, "task": "bearing", "model": source.name,
        "file": FILES[config.format], "form": config.format, "runtime": RUNTIMES[config.format], "precision": config.precision,
        "classes": [{"number": n, "name": name} for n, name in enumerate(loaded.classes)], "several": loaded.several,
        "inputs": list(maker.names), "options": maker.options.model_dump(mode="json"), "orders": maker.orders,
        "window": {"length": shape.length, "hop": shape.hop, "rate": shape.rate or maker.rate},
        "needs_speed": maker.needs_speed(),
        "output": {"name": config.output, "kind": config.output, "channels": len(loaded.classes)},
    }  # fmt: skip


def metadata(source: ModelSource, table: dict[str, Any]) -> dict[str, str]:
    """The same for the inside of the file: names with a dot, values as text (JSON where there are several)."""
    kept = ("classes", "several", "inputs", "options", "orders", "window", "output")
    found = {f"lathe.{key}": json.dumps(table[key], ensure_ascii=False) for key in kept}
    return found | {
        "lathe.version": __version__,
        "lathe.model": source.name,
        "lathe.precision": table["precision"],
    }


def model_card(source: ModelSource, loaded: LoadedModel, table: dict[str, Any], found: list[str]) -> str:
    """The model in plain words, as Markdown; ``found`` is what the comparison said."""
    names = ", ".join(loaded.classes)
    window, what = (
        table["window"],
        "which of these faults it shows" if loaded.several else "one of these classes",
    )
    data = recorded(source.run)
    parts = {
        "What it does": f"The model hears a window of {window['length'] / window['rate']:.3g} s of vibration and says {what}: "
        f"{names}. Of a whole recording the mean over its windows counts. It looks at: {', '.join(table['inputs'])}. Written as "
        f"{FORMATS[table['form']]}, {table['precision']}, by Lathe {__version__}.",
        "What it was trained on": card.trained_on(
            source, data.root if data else "", data.summary() if data else ""
        ),
        "How good it is": _quality(source),
        "How exact the export is": "\n".join(f"- {sentence}" for sentence in found),
        "Input": _input_words(table),
        "Output": f"`{table['output']['name']}`: 32-bit numbers, batch × {len(loaded.classes)}, in the order of classes.json. "
        + ("Each above 0.5 is a fault that is there." if loaded.several else "The largest is the class."),
        "Limits": _limits(table),
        "Licence": card.licence("", "recordings"),
    }
    return card.sections(source.name, parts)


def _quality(source: ModelSource) -> str:
    """The figures of the newest evaluation of this run, else of its own validation."""
    found = card.newest_evaluation(source)
    if found is None:
        return card.not_evaluated(source, "recordings")
    lines = [
        f"Evaluated on {len(found.get('samples') or [])} recordings ({(found.get('data') or {}).get('part', 'test')}):"
    ]
    for level in found.get("levels") or []:
        titles = {key: f"{title} of {level.get('many', '')}" for key, title in TITLES.items()}
        lines += card.measured(level.get("measures") or {}, titles)
    for baseline in found.get("baselines") or []:
        value = ((baseline.get("levels") or [{}])[0].get("balanced_accuracy") or {}).get("value")
        if isinstance(value, int | float):
            lines.append(f"- Beside it, {baseline.get('name')}: balanced accuracy {value:.4f}")
    return "\n".join([lines[0], "", *lines[1:]])


def _input_words(table: dict[str, Any]) -> str:
    window = table["window"]
    lines = [f"- `{name}`: {_SHAPES[name]}, 32-bit numbers" for name in table["inputs"]]
    text = (
        f"Computed from windows of {window['length']:,} samples at {window['rate']:g} Hz, every {window['hop']:,} samples:\n\n"
        + "\n".join(lines)
        + "\n\n`use_model.py` computes them with numpy; classes.json holds the options."
    )
    if table["needs_speed"]:
        text += " The speed of the shaft must be known: the axis is in multiples of it."
    if table["orders"]:
        orders = ", ".join(f"{part} {order:.4f}" for part, order in table["orders"].items())
        text += f" The fault frequencies are those of the training's bearing ({orders} times the shaft's); for another bearing " \
                "set them in the script."  # fmt: skip
    return text


def _limits(table: dict[str, Any]) -> str:
    lines = [
        "- It knows only the faults, machines and loads of its training recordings. Others need recordings of their own.",
        "- It has no class for what it does not know: it will give one of its classes to anything."
        if not table["several"]
        else "- What it says of faults that it never learnt is chance.",
        "- A probability is not the chance that the part is damaged; an evaluation measures how well the two agree.",
    ]
    if table["precision"] == "int8":
        lines.append("- 8-bit numbers change probabilities a little; the loss is measured above.")
    return "\n".join(lines)
