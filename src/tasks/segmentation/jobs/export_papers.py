"""What goes with an exported segmentation model: class table, facts inside the file, model card."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from src.core.dataset.description import DatasetDescription
from src.core.dataset.palette import class_colours
from src.core.exporting import __version__, card
from src.core.exporting.formats import FORMATS, RUNTIMES
from src.core.inference.model import LoadedModel
from src.core.run.model_source import ModelSource
from src.tasks.segmentation.jobs.export_check import Checked
from src.tasks.segmentation.jobs.export_config import ExportConfig

_FITS = {
    "stretch": "stretched to {0}×{1} pixels",
    "letterbox": "scaled to fit into {0}×{1} pixels, with bars of a neutral colour",
    "crop": "taken at its own resolution, in pieces of {0}×{1} pixels",
}
_OUTPUT_WORDS = {
    "probabilities": "32-bit numbers from 0 to 1, batch × {k} × height × width: {what}",
    "logits": "32-bit numbers of any size, batch × {k} × height × width; {how} makes probabilities of them: {what}",
    "classes": "8-bit class numbers, batch × height × width",
}


def class_table(
    source: ModelSource,
    loaded: LoadedModel,
    config: ExportConfig,
    size: tuple[int, int],
    dynamic: bool,
    file: str,
) -> dict[str, Any]:
    """The content of ``classes.json``: all that a program needs to use the file."""
    inside, binary = config.normalisation == "inside", loaded.out_channels == 1
    names, colours = loaded.classes, class_colours(len(loaded.classes))
    return {
        "format": "lathe-export-1", "lathe": __version__, "model": source.name, "file": file,
        "runtime": RUNTIMES[config.format], "precision": config.precision,
        "classes": [{"number": n, "name": name, "colour": list(colours[n])} for n, name in enumerate(names)],
        "input": {
            "name": "image", "type": "uint8" if inside else "float32", "layout": "batch, channels, height, width",
            "channels": loaded.channels, "colour_order": "RGB" if loaded.channels == 3 else "grey",
            "dynamic_size": dynamic, "height": None if dynamic else size[0], "width": None if dynamic else size[1],
            "used_height": size[0], "used_width": size[1], "trained_size": loaded.size, "fit": loaded.fit,
            "intensity_range": list(loaded.intensity_range) if loaded.intensity_range else None,
        },
        "normalisation": {"where": config.normalisation, **_normalisation(loaded)},
        "output": {
            "name": config.output, "kind": config.output, "channels": loaded.out_channels,
            "threshold": config.threshold if binary else None,
        },
    }  # fmt: skip


def _normalisation(loaded: LoadedModel) -> dict[str, Any]:
    """The facts, with as many numbers as there are channels."""
    facts = dict(loaded.facts["normalise"])
    if facts["by"] == "constants" and loaded.channels == 1 and len(facts["mean"]) > 1:
        for key in ("mean", "std"):
            facts[key] = [sum(facts[key]) / len(facts[key])]
    return facts


def metadata(
    source: ModelSource, loaded: LoadedModel, config: ExportConfig, size: tuple[int, int], dynamic: bool
) -> dict[str, str]:
    """The same for the inside of the file: names with a dot, values as text (JSON where there are several)."""
    table = class_table(source, loaded, config, size, dynamic, "")
    kept = ("classes", "input", "normalisation", "output")
    found = {f"lathe.{key}": json.dumps(table[key], ensure_ascii=False) for key in kept}
    found |= {"lathe.version": __version__, "lathe.model": source.name, "lathe.precision": config.precision}
    found["lathe.colour_order"] = table["input"]["colour_order"]
    return found


def model_card(
    source: ModelSource, loaded: LoadedModel, config: ExportConfig, table: dict[str, Any], checked: Checked
) -> str:
    """The model in plain words, as Markdown."""
    binary = loaded.out_channels == 1
    names = ", ".join(f"{n} {name}" for n, name in enumerate(loaded.classes))
    does = f"gives each pixel one of {len(loaded.classes)} classes"
    if binary:
        does = f"tells “{loaded.classes[-1]}” from “{loaded.classes[0]}”"
    parts = {
        "What it does": f"The model looks at an image and {does}. Classes: {names}. It is a {loaded.facts['architecture']} "
        f"network over the encoder {loaded.facts['encoder']}, written as {FORMATS[config.format]}, {config.precision}, by "
        f"Lathe {__version__}.",
        "What it was trained on": _trained_on(source),
        "How good it is": _quality(source),
        "How exact the export is": "\n".join(f"- {sentence}" for sentence in checked.sentences()),
        "Input": _input_words(table),
        "Output": _output_words(table),
        "Limits": _limits(loaded, table),
        "Licence": card.licence(_encoder_weights(source), "images"),
    }
    return card.sections(source.name, parts)


def _trained_on(source: ModelSource) -> str:
    data = None
    if source.run is not None:
        with contextlib.suppress(OSError, ValueError):
            data = DatasetDescription.load(source.run.dataset)
    return card.trained_on(source, data.root if data else "", data.summary() if data else "")


def _quality(source: ModelSource) -> str:
    """The figures of the newest evaluation of this run, else of its own validation."""
    found = card.newest_evaluation(source)
    if found is None:
        return card.not_evaluated(source, "images")
    data, pooled = found.get("data") or {}, (found.get("metrics") or {}).get("pooled") or {}
    titles = {"iou": "IoU", "dice": "Dice", "precision": "Precision", "recall": "Recall"}
    head = f"Evaluated on {data.get('images', '?')} images ({data.get('part', 'test')}):"
    return "\n".join([head, "", *card.measured(pooled, titles)])


def _input_words(table: dict[str, Any]) -> str:
    taken, norm = table["input"], table["normalisation"]
    size = (
        "of any height and width"
        if taken["dynamic_size"]
        else f"of {taken['width']}×{taken['height']} pixels"
    )
    how = _FITS[taken["fit"]].format(taken["used_width"], taken["used_height"])
    what = "pixel values from 0 to 255 (uint8); normalisation is inside the model"
    if norm["where"] == "beside":
        what = f"normalised 32-bit numbers; how they are made stands in classes.json ({_norm_words(norm)})"
    text = (
        f"`image`: batch × {taken['channels']} × height × width, {taken['colour_order']}, {size}, {what}. In training each "
        f"image was {how}; do the same."
    )
    if taken["intensity_range"]:
        low, high = taken["intensity_range"]
        text += f" Images of more than 8 bits: {low:g} becomes 0 and {high:g} becomes 255."
    return text


def _norm_words(norm: dict[str, Any]) -> str:
    if norm["by"] == "image":
        return f"minus the mean of each image and channel, divided by its standard deviation plus {norm['floor']:g}"
    return f"divided by {norm['range']:g}, minus {norm['mean']}, divided by {norm['std']}"


def _output_words(table: dict[str, Any]) -> str:
    output = table["output"]
    binary = output["channels"] == 1
    what = "the probability of the object" if binary else "one for each class, which add up to 1"
    text = f"`{output['name']}`: " + _OUTPUT_WORDS[output["kind"]].format(
        k=output["channels"], what=what, how="the logistic function" if binary else "softmax"
    )
    decide = (
        f"A pixel above {output['threshold']:g} is the object." if binary else "The largest is the class."
    )
    if output["kind"] == "classes":
        decide = "The numbers are those of classes.json."
    return f"{text}. {decide} `use_model.py` shows all of it."


def _limits(loaded: LoadedModel, table: dict[str, Any]) -> str:
    lines = [
        "- It knows only what its training images showed. Other cameras, light, materials or magnifications need new images.",
        "- It has no class for what it does not know: it will give one of its classes to anything.",
        f"- It was trained on images brought to {loaded.size}×{loaded.size} pixels; objects that are much larger or smaller "
        "there than in training are found less well.",
    ]
    if table["precision"] == "int8":
        lines.append("- 8-bit numbers move the borders of objects a little; the loss is measured above.")
    return "\n".join(lines)


def _encoder_weights(source: ModelSource) -> str | None:
    """What the run's configuration says; empty for random weights, None where it is not known."""
    model = card.settings_of(source).get("model") or {}
    return None if "encoder_weights" not in model else str(model["encoder_weights"] or "")
