"""The values of each epoch as files for other programs: a table for spreadsheets, and JSON Lines."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.core.engine.callbacks import Callback
from src.core.run.folder import write_atomically

if TYPE_CHECKING:
    from src.core.engine.trainer import Trainer

TABLE, LINES = "metrics.csv", "metrics.jsonl"


def flat_entry(entry: dict[str, Any]) -> dict[str, Any]:
    """One epoch as column and value: ``val_iou``, ``val_iou[scratch]``, ``seconds_train``; empty where there is no number."""
    row: dict[str, Any] = {}
    for key, value in entry.items():
        if key == "metrics":
            row.update({f"val_{name}": v for name, v in value.items()})
        elif key == "per_class":
            row.update({f"val_{m}[{name}]": v for name, found in value.items() for m, v in found.items()})
        elif isinstance(value, dict):
            prefix = {"terms": "train", "seconds": "seconds"}.get(key, key)
            row.update({f"{prefix}_{name}": v for name, v in value.items()})
        else:
            row[key] = value
    return {
        k: "" if v is None or (isinstance(v, float) and not math.isfinite(v)) else v for k, v in row.items()
    }


class MetricsFiles(Callback):
    """Keeps ``metrics.csv`` and ``metrics.jsonl`` in a folder: a row and a line for each epoch that counts.

    A resumed run writes both anew from its history, so what an interrupted attempt did in vain is not in them. Where the
    files cannot be written one warning says so, and the run goes on: the event log holds the same values.
    """

    def __init__(self, folder: Path) -> None:
        self._table, self._lines = folder / TABLE, folder / LINES
        self._columns: list[str] = []
        self._told = False

    def on_run_start(self, trainer: Trainer) -> None:
        self._try(trainer, self._write_all)

    def on_roll_back(self, trainer: Trainer) -> None:
        self._try(trainer, self._write_all)

    def on_epoch_end(self, trainer: Trainer, entry: dict[str, Any]) -> None:
        known = set(flat_entry(entry)) <= set(self._columns)
        self._try(trainer, self._append if known else self._write_all)

    def _try(self, trainer: Trainer, write: Any) -> None:
        try:
            write(trainer.state.history)
        except OSError as error:
            self._columns = []  # whatever was written in part is written anew next time
            if not self._told:
                self._told = True
                trainer.callbacks(
                    "on_warning", trainer, "metrics-files",
                    f"{self._table.name} cannot be written: {error.strerror or error}.",
                    "Close it in other programs and look at the space on the disk; the curves of the run are not affected.",
                    [str(self._table)],
                )  # fmt: skip

    def _append(self, history: list[dict[str, Any]]) -> None:
        entry = history[-1]
        with self._table.open("a", newline="", encoding="utf-8") as handle:
            csv.DictWriter(handle, self._columns).writerow(flat_entry(entry))
        with self._lines.open("a", encoding="utf-8") as handle:
            handle.write(_line(entry))

    def _write_all(self, history: list[dict[str, Any]]) -> None:
        rows = [flat_entry(entry) for entry in history]
        columns = list(dict.fromkeys(name for row in rows for name in row))
        if rows:
            text = io.StringIO(newline="")
            table = csv.DictWriter(text, columns)
            table.writeheader()
            table.writerows(rows)
            write_atomically(self._table, text.getvalue().encode())
            write_atomically(self._lines, "".join(map(_line, history)).encode())
        self._columns = columns


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(_finite(entry), ensure_ascii=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
