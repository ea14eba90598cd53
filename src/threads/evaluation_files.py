"""Reads evaluations while a window is in use.

``json.loads`` and the check of a whole document hold all threads of Python up until they are through, with ten
thousand images for a quarter of a second. So the document is taken apart and checked piece by piece here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from src.core.evaluation.document import Evaluation

_decode = json.JSONDecoder().raw_decode
_space = re.compile(r"[ \t\r\n]*")
#: Of the beginning of a document: what model, what data.
_HEAD_BYTES = 64 << 10
_MOST_FOUND = 2000
#: Of masks, and of classes.
_FORMATS = ("lathe-evaluation", "lathe-classification")


@dataclass(frozen=True)
class Found:
    """An evaluation that lies somewhere.

    Attributes:
        folder: Of the evaluation.
        model, run: Names for people.
        data: The beginning of the document: ``part``, ``images``, ``fingerprint``, ``summary``.
        created: When.
        classes: Their names.
        format: Of the document, which says whether two can be compared.
    """

    folder: Path
    model: str
    run: str
    data: dict[str, Any]
    created: str
    classes: tuple[str, ...] = ()
    format: str = ""


def read_in_pieces(path: Path) -> Evaluation:
    """As `src.core.evaluation.document.read_evaluation`, never holding other threads up for long.

    Raises:
        DocumentError: as there.
    """
    from src.core.evaluation.document import FORMAT, VERSION, Evaluation, read_evaluation
    from src.core.evaluation.pieces import Cell, ImageResult

    file = path / "evaluation.json" if path.is_dir() else path
    try:
        raw = parse(file.read_text("utf-8"))
        if raw.get("format") != FORMAT or not isinstance(raw.get("version"), int) or raw["version"] > VERSION:
            return read_evaluation(file)
        images, cells = raw.pop("images"), raw["confusion"].pop("cells")
        raw["confusion"]["cells"], raw["images"] = [], []
        document = Evaluation.model_validate(raw)
        document.images = [ImageResult.model_validate(image) for image in images]
        document.confusion.cells = [Cell.model_validate(cell) for cell in cells]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return read_evaluation(file)  # says what is wrong with it
    return document


def parse(text: str) -> dict[str, Any]:
    """A JSON object; its arrays are read one element at a time.

    Raises:
        ValueError, IndexError: It is none.
    """
    return dict(_items(text))


def _items(text: str) -> Iterator[tuple[str, Any]]:
    at = _expect(text, 0, "{")
    while text[at] != "}":
        key, at = _decode(text, at)
        at = _expect(text, at, ":")
        value, at = _value(text, at, 2 if key == "confusion" else 1)
        yield key, value
        at = _next(text, at, "}")


def _value(text: str, at: int, depth: int) -> tuple[Any, int]:
    if not depth or text[at] not in "[{":
        return _decode(text, at)
    if text[at] == "[":
        found: list[Any] = []
        at = _expect(text, at, "[")
        while text[at] != "]":
            value, at = _value(text, at, depth - 1)
            found.append(value)
            at = _next(text, at, "]")
        return found, at + 1
    if depth < 2:
        return _decode(text, at)
    known: dict[str, Any] = {}
    at = _expect(text, at, "{")
    while text[at] != "}":
        key, at = _decode(text, at)
        at = _expect(text, at, ":")
        known[key], at = _value(text, at, depth - 1)
        at = _next(text, at, "}")
    return known, at + 1


def _next(text: str, at: int, end: str) -> int:
    at = _skip(text, at)
    return at if text[at] == end else _expect(text, at, ",")


def _expect(text: str, at: int, mark: str) -> int:
    at = _skip(text, at)
    if text[at] != mark:
        raise ValueError(f"expected {mark} at {at}")
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    match = _space.match(text, at)
    return match.end() if match else at


def read_head(folder: Path) -> Found | None:
    """What a document is about, from its beginning; None where there is none that can be read."""
    try:
        with (folder / "evaluation.json").open("rb") as handle:
            text = handle.read(_HEAD_BYTES).decode("utf-8", "ignore")
    except OSError:
        return None
    head: dict[str, Any] = {}
    try:
        for key, value in _items(text):
            head[key] = value
            if key == "classes":
                break
    except (ValueError, IndexError):
        pass  # it ends in the middle of a piece
    model, data = head.get("model"), head.get("data")
    if head.get("format") not in _FORMATS or not isinstance(model, dict) or not isinstance(data, dict):
        return None
    run = model.get("run")
    return Found(
        folder, str(model.get("name") or ""), Path(run).name if run else "", data,
        str(head.get("created") or ""), tuple(map(str, head.get("classes") or ())), str(head["format"]),
    )  # fmt: skip


def find_evaluations(runs: Path, but: Path | None = None) -> list[Found]:
    """The evaluations of all runs in a folder, the newest first; ``but`` is left out."""
    found = []
    for place in sorted(runs.glob("*/evaluations/*/evaluation.json"))[:_MOST_FOUND]:
        if but is not None and place.parent.resolve() == but.resolve():
            continue
        if (head := read_head(place.parent)) is not None:
            found.append(head)
    return sorted(found, key=lambda f: f.created, reverse=True)
