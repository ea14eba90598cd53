"""What goes with an exported segmentation model: class table, facts inside the file, model card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from src.core.config import ConfigError, read_yaml
from src.core.dataset.description import DatasetDescription
from src.core.dataset.palette import class_colours
from src.core.exporting import __version__
from src.core.inference.model import LoadedModel
from src.core.run.model_source import ModelSource
from src.tasks.segmentation.jobs.export_check import Checked
from src.tasks.segmentation.jobs.export_config import FORMATS, ExportConfig

_RUNTIMES = {"onnx": "onnxruntime", "torch_export": "torch.export", "torchscript": "torchscript"}
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
        "runtime": _RUNTIMES[config.format], "precision": config.precision,
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
    parts = [
        f"# {source.name}",
        f"## What it does\n\nThe model looks at an image and {does}. Classes: {names}. It is a "
        f"{loaded.facts['architecture']} network over the encoder {loaded.facts['encoder']}, written as "
        f"{FORMATS[config.format]}, {config.precision}, by Lathe {__version__}.",
        f"## What it was trained on\n\n{_trained_on(source)}",
        f"## How good it is\n\n{_quality(source)}",
        "## How exact the export is\n\n" + "\n".join(f"- {sentence}" for sentence in checked.sentences()),
        f"## Input\n\n{_input_words(table)}",
        f"## Output\n\n{_output_words(table)}",
        f"## Limits\n\n{_limits(loaded, table)}",
        f"## Licence\n\n{_licence(source)}",
    ]
    return "\n\n".join(parts) + "\n"


def _trained_on(source: ModelSource) -> str:
    """The data set in a sentence, without paths of the machine."""
    if source.run is None:
        return "Not known: the model file belongs to no run of Lathe."
    try:
        data = DatasetDescription.load(source.run.dataset)
    except (OSError, ValueError):
        return f"The run {source.run.name}; the description of its data is not there any more."
    epoch = f" The weights are those of epoch {source.epoch}." if source.epoch else ""
    return f"{Path(data.root).name or 'Data'}: {data.summary()}{epoch}"


def _quality(source: ModelSource) -> str:
    """The figures of the newest evaluation of this run, else of its own validation."""
    found = _evaluation(source)
    if found is None:
        value = source.header.get("value")
        metric = str(
            (_settings(source).get("monitoring") or {}).get("best_metric") or "the measure of the training"
        )
        if isinstance(value, int | float):
            return (
                f"It was not evaluated on test images. On the validation images, by which its epoch was chosen, it reached "
                f"{metric} {value:.4f}; expect a little less on new images."
            )
        return "It was not evaluated yet. Evaluate it on images that it never saw before relying on it."
    data, pooled = found.get("data") or {}, (found.get("metrics") or {}).get("pooled") or {}
    lines = [f"Evaluated on {data.get('images', '?')} images ({data.get('part', 'test')}):", ""]
    for key in ("iou", "dice", "precision", "recall"):
        value = pooled.get(key) or {}
        if isinstance(value.get("value"), int | float):
            ends = (value.get("low"), value.get("high"))
            between = f" (95 % interval {ends[0]:.4f} to {ends[1]:.4f})" if None not in ends else ""
            lines.append(f"- {'IoU' if key == 'iou' else key.capitalize()}: {value['value']:.4f}{between}")
    return "\n".join(lines)


def _evaluation(source: ModelSource) -> dict[str, Any] | None:
    """The newest evaluation of the same epoch that can be read; of the model file itself where it is not known."""
    if source.run is None:
        return None
    paths = sorted((source.run.path / "evaluations").glob("*/evaluation.json"), key=_age, reverse=True)
    for path in paths:
        try:
            document = json.loads(path.read_bytes())
            epoch = int((document.get("model") or {}).get("epoch") or 0)
        except (OSError, ValueError, AttributeError, TypeError):
            continue
        if not (epoch and source.epoch) or epoch == source.epoch:
            return document if isinstance(document, dict) else None
    return None


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


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


def _licence(source: ModelSource) -> str:
    """What may bind the weights; Lathe itself puts no condition on them."""
    weights = _encoder_weights(source)
    text = "Lathe claims no rights in models that are trained with it. "
    if weights == "":
        return (
            text
            + "Training began from random weights: besides you, only the owners of the training images may have rights."
        )
    if weights is None:
        return (
            text
            + "It is not known whether training began from pretrained weights: if so, their licence applies too."
        )
    extra = ""
    if weights == "imagenet":
        extra = (
            " The images of ImageNet are for research only; whether models that began with its weights may be sold is for "
            "you to settle."
        )
    return (
        f"{text}Training began from the pretrained weights “{Path(weights).name}” of the encoder: the licence on their page "
        f"applies too.{extra} The owners of the training images may have rights as well."
    )


def _encoder_weights(source: ModelSource) -> str | None:
    """What the run's configuration says; empty for random weights, None where it is not known."""
    model = _settings(source).get("model") or {}
    return None if "encoder_weights" not in model else str(model["encoder_weights"] or "")


def _settings(source: ModelSource) -> dict[str, Any]:
    """The configuration of the model's run; empty where there is none."""
    if source.run is None:
        return {}
    try:
        return dict(read_yaml(source.run.config))
    except (ConfigError, OSError):
        return {}
