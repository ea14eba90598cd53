"""The part of the data job that shows and plays samples: opens one and computes its views as they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from src.core.config import Layer, resolve
from src.core.dataset.views import Asked, OpenedSample, Progress, ViewRefusedError
from src.tasks.catalog import task_info

Request = Mapping[str, Any]


class SampleViews:
    """The sample that was opened last.

    Each request names it by the configuration (YAML text) and its row, so that an answer never shows another one.
    """

    def __init__(self, cancelled: Callable[[], bool]) -> None:
        self._cancelled = cancelled
        self._key: Any = None
        self._sample: OpenedSample | None = None

    def open(self, request: Request, progress: Progress) -> dict[str, Any]:
        """What a window must know before it asks for views: see ``OpenedSample``."""
        sample = self._of(request)
        return {
            "extent": list(sample.extent),
            "begins": list(sample.begins),
            "facts": [list(fact) for fact in sample.facts],
            "choices": {key: [list(pair) for pair in pairs] for key, pairs in sample.choices.items()},
            "values": dict(sample.values),
            "hidden": dict(sample.hidden),
        }

    def show(self, request: Request, progress: Progress) -> dict[str, Any]:
        """A view: see ``Shown.to_dict``."""
        return self._of(request).show(_asked(request), progress, self._cancelled).to_dict()

    def listen(self, request: Request, progress: Progress) -> dict[str, Any]:
        """Sound in the file ``to``: see ``Sound``."""
        found = self._of(request).listen(
            _asked(request), float(request["speed"]), int(request["rate"]), int(request["channels"]),
            Path(request["to"]), self._cancelled,
        )  # fmt: skip
        return {
            "path": found.path, "rate": found.rate, "channels": found.channels, "span": list(found.span),
            "speed": found.speed, "words": found.words,
        }  # fmt: skip

    def _of(self, request: Request) -> OpenedSample:
        key = (request["config"], sorted((k, repr(v)) for k, v in request["sample"].items()))
        if self._sample is None or key != self._key:
            self._sample = None  # two at once are never kept
            self._sample, self._key = _opened(request), key
        return self._sample


def _opened(request: Request) -> OpenedSample:
    import yaml

    values = dict(yaml.safe_load(request["config"]))
    values.pop("origins", None)
    info = task_info(str(values.get("task", "segmentation")))
    if info.look.views is None:
        raise ViewRefusedError(f"{info.title} has no views of a {info.look.noun.one}.")
    config = resolve(info.config, [Layer("file", values)]).config
    return info.look.views.open(config, request["sample"])


def _asked(request: Request) -> Asked:
    def span(key: str) -> tuple[float, float] | None:
        pair = request.get(key)
        return (float(pair[0]), float(pair[1])) if pair else None

    return Asked(
        str(request.get("view") or ""), dict(request.get("options") or {}), span("span"), span("across"),
        int(request.get("columns") or 800),
    )  # fmt: skip
