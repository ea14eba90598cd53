"""The page of an evaluation: one HTML file that needs no other, in the style of the report of a run."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from src.core.evaluation.document import Evaluation, read_evaluation
from src.core.evaluation.pieces import ImageResult, Interval
from src.core.report import text
from src.core.report.evaluation_figures import draw_evaluation
from src.core.report.figures import Drawing
from src.core.report.pictures import picture_address
from src.core.run.folder import write_atomically

#: Worst images that are shown, and rows of tables.
MOST_IMAGES, MOST_ROWS, MOST_CLASSES = 24, 30, 60
_COLUMNS = ("iou", "dice", "precision", "recall", "accuracy")
_PARTS = {"train": "training images", "val": "validation images", "test": "test images", "all": "images"}
_SOURCES = {
    "validation": "chosen on validation",
    "stored": "chosen on validation",
    "given": "as given",
    "default": "nothing was chosen",
    "evaluated": "chosen on these images",
    "argmax": "",
}
_KINDS = {"image": "Image", "truth": "Truth", "prediction": "Prediction", "error": "Errors"}


def write_evaluation_report(folder: Path) -> Path:
    """Write ``report/index.html`` of the evaluation in a folder, and a PNG of each figure; returns the page.

    Raises:
        DocumentError: there is no evaluation that can be read.
        OSError: the folder cannot be written.
    """
    document = read_evaluation(folder)
    drawings = draw_evaluation(document)
    target = folder / "report"
    target.mkdir(parents=True, exist_ok=True)
    for drawing in drawings:
        write_atomically(target / f"{drawing.name}.png", drawing.png)
    page = target / "index.html"
    write_atomically(page, render_evaluation(document, drawings, folder).encode("utf-8"))
    return page


def interval(value: Interval, digits: int = 4) -> str:
    """``0.8123 (0.7901 to 0.8300)``, without brackets where there is no interval."""
    shown = text.number(value.value, digits)
    if value.low is None or value.high is None:
        return shown
    return f"{shown} ({text.number(value.low, digits)} to {text.number(value.high, digits)})"


def render_evaluation(document: Evaluation, drawings: list[Drawing], folder: Path) -> str:
    """The page as text."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(
        number=text.number, percent=text.percent, title=text.metric_title, interval=interval, range=_range
    )
    here = files(__package__)
    template = environment.from_string(here.joinpath("evaluation.html").read_text("utf-8"))
    rules = document.interval
    return template.render(
        d=document,
        style=Markup(here.joinpath("style.css").read_text("utf-8")),
        where=_PARTS.get(document.data.part, "images"),
        tiles=_tiles(document),
        drawings=[Markup(d.svg) for d in drawings],
        columns=_COLUMNS,
        classes=document.metrics.classes[:MOST_CLASSES],
        classes_left=max(0, len(document.metrics.classes) - MOST_CLASSES),
        warnings=[n for n in document.notes if n.severity != "notice"],
        notices=[n for n in document.notes if n.severity == "notice"],
        intervals=rules.reason
        or f"Intervals of {rules.level:.0%}: {rules.method}, {rules.samples:,} draws of {text.count(rules.groups, 'group')}.",
        confused=_confused(document),
        worst=_worst(document, folder.resolve()),
        kinds=_KINDS,
        left_out=document.left_out[:MOST_ROWS],
        left_out_more=max(0, len(document.left_out) - MOST_ROWS),
    )


def _tiles(document: Evaluation) -> list[tuple[str, str, str]]:
    pooled, images, decision = document.metrics.pooled, document.metrics.images, document.decision
    what = "IoU" if document.binary else "Mean IoU"
    tiles = [
        (what, text.number(pooled["iou"].value), _range(pooled["iou"]) or "all pixels together"),
        ("Dice", text.number(pooled["dice"].value), _range(pooled["dice"])),
        (f"{what} of an image", text.number(images["iou"].value), _range(images["iou"]) or "mean over images"),
        ("Found objects", text.percent(document.objects.rate.value),
         f"{text.number(document.objects.false_per_image.value, 3)} false ones an image"),
        ("Images", f"{document.data.images:,}", text.count(document.data.groups, "group")),
    ]  # fmt: skip
    if decision.auroc.value is not None:
        tiles.insert(4, ("Defective or not", f"AUROC {decision.auroc.value:.4f}", _range(decision.auroc)))
    if document.threshold.value is not None:
        tiles.append(("Threshold", f"{document.threshold.value:.3f}", _SOURCES[document.threshold.source]))
    return tiles


def _range(value: Interval) -> str:
    if value.low is None or value.high is None:
        return ""
    return f"{text.number(value.low)} to {text.number(value.high)}"


def _confused(document: Evaluation) -> list[tuple[str, str, int, int, list[tuple[str, int]]]]:
    """The cells with most pixels: true class, predicted class, pixels, images, the first images."""
    cells = sorted(document.confusion.cells, key=lambda cell: -cell.pixels)[:MOST_ROWS]
    return [
        (document.classes[c.true], document.classes[c.predicted], c.pixels, c.image_count,
         [(document.images[i].id, pixels) for i, pixels in c.images[:3]])
        for c in cells
    ]  # fmt: skip


def _worst(document: Evaluation, folder: Path) -> list[tuple[ImageResult, dict[str, Any]]]:
    shown = [image for image in document.worst_first() if image.pictures is not None][:MOST_IMAGES]
    return [
        (image, {kind: picture_address(folder, getattr(image.pictures, kind)) for kind in _KINDS})
        for image in shown
    ]
