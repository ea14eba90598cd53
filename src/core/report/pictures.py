"""Preview images of a run, small enough to travel inside the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from src.core.report.facts import RunFacts
from src.core.report.text import is_number

#: Rows of pictures in the page; the rest stay in the run folder.
MOST_ROWS = 12
#: Longest side of a picture in the page, pixels.
LONGEST_SIDE = 640
#: A larger file is written anew as JPEG.
_KEEP_BYTES = 256 << 10


@dataclass(frozen=True)
class PreviewRow:
    """One sample: its name, its value, and pictures as data addresses (empty where the file is gone)."""

    sample: str
    metric: float | None
    image: str
    truth: str
    prediction: str


def data_address(kind: str, data: bytes) -> str:
    """Bytes as an address inside the page."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def picture_address(root: Path, name: Any) -> str:
    """A picture of the run folder as an address; empty where it is absent, damaged or outside it."""
    path = (root / str(name or "")).resolve()
    if not name or not path.is_relative_to(root):
        return ""
    try:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            if max(image.size) <= LONGEST_SIDE and len(data) <= _KEEP_BYTES and image.format == "PNG":
                image.verify()
                return data_address("image/png", data)
            small = image.convert("RGB")
        small.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
        written = io.BytesIO()
        small.save(written, "JPEG", quality=90)
        return data_address("image/jpeg", written.getvalue())
    except (
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombError,
    ):  # SyntaxError: Pillow's word for a broken PNG
        return ""


def preview_rows(facts: RunFacts) -> list[PreviewRow]:
    """The rows to show, the first `MOST_ROWS`."""
    root = facts.folder.path
    return [_row(root, item) for item in facts.previews[:MOST_ROWS]]


def _row(root: Path, item: Mapping[str, Any]) -> PreviewRow:
    metric = item.get("metric")
    return PreviewRow(
        sample=str(item.get("sample", "")),
        metric=metric if is_number(metric) else None,
        image=picture_address(root, item.get("image")),
        truth=picture_address(root, item.get("truth")),
        prediction=picture_address(root, item.get("prediction")),
    )
