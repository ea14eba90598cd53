"""What is shown large of an evaluated image: which pictures, read by what, with which words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from src.core.report.text import count, percent
from src.ui.widgets.evaluation_data import SCORES, EvaluationData, figure
from src.ui.widgets.evaluation_pictures import kept_picture, original
from src.ui.widgets.pyramid import Pyramid

_TITLES = {"iou": "IoU", "dice": "Dice", "precision": "Precision", "recall": "Recall"}


@dataclass(frozen=True)
class Panel:
    """One of the pictures.

    Attributes:
        title: Above it.
        job: Reads it, in a thread; None where there is none.
        note: Why there is none.
        first: Reads a small picture that is shown until the job is done.
    """

    title: str
    job: Callable[[], Pyramid] | None
    note: str = ""
    first: Callable[[], Pyramid] | None = None


@dataclass(frozen=True)
class Sheet:
    """What is shown of one image: the title of the window, a sentence below, the pictures, width and height."""

    title: str
    words: str
    panels: Sequence[Panel]
    size: tuple[int, int]
    classes: int = 2
    legend: str = ""


def sheet_of(data: EvaluationData, index: int) -> Sheet:
    """The four pictures of an image; prediction and errors only where the evaluation kept them."""
    document, image = data.document, data.document.images[index]
    size, pictures = (image.width, image.height), image.pictures
    model = document.model.run or document.model.path

    def kept(name: str) -> Callable[[], Pyramid]:
        return partial(kept_picture, data.folder / name, *size)

    whole = partial(original, image.image, None, model)
    if pictures is not None:
        panels = [
            Panel("Image", whole, first=kept(pictures.image)),
            Panel("Truth", kept(pictures.truth)),
            Panel("Prediction", kept(pictures.prediction)),
            Panel("Errors", kept(pictures.error)),
        ]
    else:
        many = sum(one.pictures is not None for one in document.images)
        note = f"The evaluation kept pictures of the {many:,} worst images only. Evaluate with more worst images to see this."
        unknown = (
            "The mask cannot be shown: its file or the model is gone."
            if image.mask
            else "No mask: nothing is on it."
        )
        truth = partial(original, image.image, image.mask, model) if image.mask else None
        panels = [Panel("Image", whole), Panel("Truth", truth, unknown), Panel("Prediction", None, note),
                  Panel("Errors", None, note)]  # fmt: skip
    return Sheet(
        image.id,
        _words(data, index),
        panels,
        size,
        len(document.classes),
        error_legend(len(document.classes)),
    )


def pair_sheet(this: EvaluationData, index: int, other: EvaluationData, place: int, words: str) -> Sheet:
    """An image, its truth, and what two models predict."""
    image = this.document.images[index]
    size, none = (
        (image.width, image.height),
        "The evaluation kept pictures of its worst images only; this one is none of them.",
    )

    def kept(data: EvaluationData, number: int, kind: str, title: str) -> Panel:
        pictures = data.document.images[number].pictures
        if pictures is None:
            return Panel(title, None, none)
        return Panel(title, partial(kept_picture, data.folder / getattr(pictures, kind), *size))

    sheet = sheet_of(this, index)
    truth = next((p for p in (kept(this, index, "truth", "Truth"), kept(other, place, "truth", "Truth")) if p.job),
                 sheet.panels[1])  # fmt: skip
    panels = [sheet.panels[0], truth, kept(this, index, "prediction", "Prediction of this model"),
              kept(other, place, "prediction", "Prediction of the other model")]  # fmt: skip
    return Sheet(image.id, words, panels, size, len(this.document.classes))


def _words(data: EvaluationData, index: int) -> str:
    image = data.document.images[index]
    scores = [f"{_TITLES[key]} {figure(image.scores.get(key))}" for key in SCORES]
    wrong = f"{count(image.wrong, 'wrong pixel')} ({percent(image.wrong / max(1, image.pixels))})"
    objects = f"{image.found:,} of {count(image.objects, 'object')} found, {image.false_objects:,} false"
    score = f"image score {figure(image.score)}"
    place = Path(image.image).name
    return ",  ".join([f"{place}, {image.width:,} × {image.height:,} px", *scores, wrong, objects, score])


def error_legend(classes: int) -> str:
    """The colours of the error pictures, as rich text."""
    from src.core.evaluation.files import CONFUSED, FALSE, MISSED, RIGHT

    named = [("found", RIGHT), ("missed", MISSED), ("falsely predicted", FALSE)]
    if classes > 2:
        named.append(("another class", CONFUSED))
    marks = [f'<span style="color:rgb{rgb}">■</span>&nbsp;{name}' for name, rgb in named]
    return "Errors:&nbsp; " + "&nbsp;&nbsp; ".join(marks)
