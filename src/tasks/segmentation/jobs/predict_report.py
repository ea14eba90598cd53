"""The page about predicted images. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from src.core.prediction.index import Prediction
from src.core.prediction.postprocess import Changes
from src.core.prediction.report import MOST_PICTURES, Page, Table, picture_address, settings_table, write_page
from src.core.report.text import count, number, percent

_MOST_ROWS = 200


def write_report(
    folder: Path,
    index: Mapping[str, Prediction],
    classes: tuple[str, ...],
    said: list[str],
    counter: Any,
    changes: Changes,
    settings: Mapping[str, Any],
) -> Path:
    """Write the page; raises OSError. ``counter`` knows ``per_second`` and ``failures``."""
    good = [p for p in index.values() if not p.error]
    bad = [p for p in index.values() if p.error]
    page = Page(f"Predictions of {settings['Model']}", said, "bad" if bad and not good else "good")
    found = sum(p.objects for p in good)
    page.tiles = [
        ("Images", number(len(good)), f"{len(bad)} without a result" if bad else ""),
        ("Objects", number(found), f"on {count(sum(p.objects > 0 for p in good), 'image')}"),
        ("Speed", f"{number(counter.per_second, 3)} images/s", "of this start, with reading and writing"),
    ]
    if changes.objects:
        page.tiles.append(("Removed", number(changes.objects), "objects, by the corrections"))
    page.tables = [
        _of_classes(good, classes),
        Table("Images without a result", ("Image", "Why"), [(p.name, p.error) for p in bad[:_MOST_ROWS]]),
        _of_images(good),
        settings_table(settings),
    ]
    page.pictures_title = "The images with most objects"
    for p in sorted(good, key=lambda p: -p.objects)[:MOST_PICTURES]:
        address = picture_address(folder / p.overlay) if p.overlay else ""
        if address:
            page.pictures.append((address, f"{p.name}: {count(p.objects, 'object')}"))
    page.explained = [
        "Masks hold class numbers (0 and 255 where there is one kind of object); classes.json is their table.",
        "The score of an object is the mean of the model's probabilities over its pixels. It is not the chance that the object is "
        "real: how well the two agree is part of an evaluation (calibration).",
        "An object that touches the side of an image may go on outside; its area is that of the visible part.",
    ]
    return write_page(folder, page)


def _of_classes(good: list[Prediction], classes: tuple[str, ...]) -> Table:
    total = sum(p.width * p.height for p in good)
    rows = []
    for value, name in enumerate(classes):
        pixels = sum(p.pixels.get(str(value), 0) for p in good)
        if objects := sum(p.by_class.get(str(value), 0) for p in good):
            images = sum(str(value) in p.by_class for p in good)
            rows.append(
                (name, number(objects), number(images), number(pixels), percent(pixels / max(1, total)))
            )
    heads = ("Class", "Objects", "Images", "Pixels", "Share of all pixels")
    return Table("Classes", heads, rows, frozenset({1, 2, 3, 4}))


def _of_images(good: list[Prediction]) -> Table:
    chosen = sorted(good, key=lambda p: -p.objects)[:_MOST_ROWS]
    rows = [(p.name, f"{p.width} × {p.height}", number(p.objects), " ".join(p.notes)) for p in chosen]
    note = f"The {_MOST_ROWS} with most objects of {len(good)}." if len(good) > _MOST_ROWS else ""
    return Table("Images", ("Image", "Size", "Objects", "To know"), rows, frozenset({2}), note)
