"""The files of a YOLO data set: its description, and where the labels of an image are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from src.core.dataset.records import Split
from src.core.dataset.sources.source_lists import read_text

#: Keys of a description that name images, with the part that they are.
PARTS: dict[str, Split] = {"train": "train", "val": "val", "valid": "val", "test": "test"}
_MOST_YAML = 4 << 20


def read_description(path: str) -> dict[str, Any] | None:
    """The mapping in a data.yaml; ``None`` where the file is something else."""
    try:
        if Path(path).stat().st_size > _MOST_YAML:
            return None
        data = yaml.safe_load(read_text(Path(path)))
    except (OSError, yaml.YAMLError, RecursionError, ValueError):
        return None
    if not isinstance(data, dict) or not any(isinstance(data.get(k), (str, list)) for k in PARTS):
        return None
    return data if isinstance(data.get("names"), (list, dict)) or "nc" in data else None


def looks_like_labels(path: str) -> bool:
    """Whether the first line of a file is a class and points or a box in shares of the image."""
    try:
        with Path(path).open(encoding="utf-8") as handle:
            words = handle.readline(1 << 16).split()
        values = [float(word) for word in words]
    except (OSError, ValueError):
        return False
    points = values[1:]
    return (
        len(points) >= 4
        and len(points) % 2 == 0
        and values[0] == int(values[0]) >= 0
        and all(-0.1 <= v <= 1.1 for v in points)
    )


def label_places(image: str, root: str) -> list[str]:
    """Where the labels of an image may be: ``images`` in the path becomes ``labels``, or beside it."""
    path = Path(image)
    parts = list(path.with_suffix(".txt").parts)
    places = []
    for at in range(len(parts) - 2, -1, -1):
        if parts[at].lower() == "images":
            places.append(str(Path(*parts[:at], "labels", *parts[at + 1 :])))
    places += [str(path.parent.parent / "labels" / path.parent.name / f"{path.stem}.txt"),
               str(path.parent.parent / "labels" / f"{path.stem}.txt"), str(path.with_suffix(".txt")),
               str(Path(root, "labels", f"{path.stem}.txt"))]  # fmt: skip
    return places


def label_of(image: str, root: str) -> str:
    """The label file of an image; empty where there is none."""
    return next((p for p in label_places(image, root) if Path(p).is_file()), "")


def plain_text(value: Any) -> str:
    """A plain value as text; lists and mappings, which aliases can make endless, as nothing."""
    return str(value) if isinstance(value, (str, int, float)) else ""


def as_number(key: Any) -> Any:
    """A key such as ``"3"`` as the number that is meant."""
    return int(key) if isinstance(key, str) and key.strip().isdigit() else key
