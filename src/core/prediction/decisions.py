"""What a person decided about predictions: accepted or rejected, image by image. Kept beside them."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from src.core.run.folder import write_atomically

DECISIONS_NAME = "decisions.json"
_VERSION = 1
Verdict = Literal["accepted", "rejected"]
VERDICTS: tuple[Verdict, ...] = ("accepted", "rejected")


class DecisionsError(Exception):
    """The decisions cannot be read or kept; the message says why and what to do."""


class Decisions:
    """The verdicts on the images of one folder of predictions.

    ``decisions.json``: ``{"version": 1, "images": {name: {"verdict", "time", "source": [size, mtime_ns]}}}``. Every change is
    written at once and as a whole. A verdict belongs to the prediction that was looked at: where the image changed since,
    it does not count (`of`). One object may be used from several threads.

    Attributes:
        folder: The predictions.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Read what was decided; nothing is written.

        Raises:
            DecisionsError: the file is damaged.
        """
        self.folder = Path(folder)
        self._images: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        self._read()

    def of(self, name: str, source: tuple[int, int] | None = None) -> Verdict | None:
        """The verdict on an image, or None.

        Args:
            name: Of the image.
            source: Size and time of the image as the prediction has them; a verdict on another state does not count.
        """
        entry = self._images.get(name)
        if entry is None or (source is not None and tuple(entry.get("source") or source) != source):
            return None
        return entry["verdict"]  # type: ignore[no-any-return]

    def names(self, verdict: Verdict) -> list[str]:
        """The images with this verdict, in the order of the decisions."""
        return [name for name, entry in self._images.items() if entry["verdict"] == verdict]

    def decide(
        self,
        names: Iterable[str],
        verdict: Verdict | None,
        source: tuple[int, int] | Mapping[str, tuple[int, int]] | None = None,
    ) -> None:
        """Accept or reject images, or take the verdict back (None).

        Args:
            names: Of the images.
            verdict: The same for all.
            source: Size and time of the image that was looked at, or of each by its name.

        Raises:
            DecisionsError: it cannot be written; then it is as it was before.
        """
        if verdict is not None and verdict not in VERDICTS:
            raise ValueError(f"{verdict!r} is no verdict: {', '.join(VERDICTS)} or None")
        with self._lock:
            before = dict(self._images)
            for name in names:
                self._images.pop(name, None)
                if verdict is not None:
                    entry: dict[str, Any] = {
                        "verdict": verdict,
                        "time": datetime.now(UTC).isoformat(timespec="seconds"),
                    }
                    seen = source.get(name) if isinstance(source, Mapping) else source
                    self._images[name] = entry | ({"source": list(seen)} if seen else {})
            try:
                text = _lines(self._images).encode("utf-8", "surrogateescape")
                write_atomically(self.folder / DECISIONS_NAME, text)
            except OSError as error:
                self._images = before
                raise DecisionsError(
                    f"The decision could not be kept in {self.folder}: {error.strerror or error}. "
                    "Free some space, or mend the permissions, and decide again."
                ) from None

    def _read(self) -> None:
        path = self.folder / DECISIONS_NAME
        try:
            data = json.loads(path.read_bytes())
            if data["version"] != _VERSION:
                raise DecisionsError(f"{path} is of another version of Lathe ({data['version']!r}).")
            entries = {str(k): dict(v) for k, v in data["images"].items()}
        except FileNotFoundError:
            return
        except OSError as error:
            raise DecisionsError(f"{path} cannot be read: {error.strerror or error}.") from None
        except json.JSONDecodeError as error:
            text = f"{path} is damaged: line {error.lineno}, {error.msg}. Remove it to decide afresh."
            raise DecisionsError(text) from None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DecisionsError(f"{path} is damaged ({error!r}). Remove it to decide afresh.") from None
        self._images = {name: entry for name, entry in entries.items() if entry.get("verdict") in VERDICTS}


def _lines(images: dict[str, dict[str, Any]]) -> str:
    """The file, a line for each image; made line by line, so that other threads go on."""
    one = json.JSONEncoder(ensure_ascii=False).encode
    lines = ",\n".join(f"{one(name)}: {one(entry)}" for name, entry in images.items())
    return f'{{"version": {_VERSION}, "images": {{\n{lines}\n}}}}\n'
