"""The rows of the queue as a table."""

from __future__ import annotations

from PyQt5.QtWidgets import QWidget

from src.core.run import TITLES
from src.threads.queue_watcher import QueueRow
from src.ui.text import DASH, metric_title, moment, number, run_title
from src.ui.widgets.rows_table import StateTable
from src.ui.wording import in_words

COLUMNS = ("State", "Run", "Device", "Progress", "Best", "Queued", "What happened")


class QueueTable(StateTable[QueueRow]):
    """`QueueRow` objects: what runs, what waits in its order, what has ended."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(COLUMNS, lambda row: row.entry.id, parent)

    def cells(self, row: QueueRow) -> tuple[str, ...]:
        progress = f"{row.epoch:,} of {row.epochs:,} epochs" if row.epochs else DASH
        best = DASH if row.best is None else f"{metric_title(row.metric)} {number(row.best, 3)}"
        return (
            state_words(row),
            run_title(row.entry.run.name),
            device_words(row),
            progress,
            best,
            moment(row.entry.added).removeprefix("today "),
            in_words(row.cause),
        )

    def tip(self, row: QueueRow) -> str:
        return in_words(row.cause) or str(row.entry.run)

    def state(self, row: QueueRow) -> str:
        return {"waiting": "new", "gone": "failed"}.get(row.state, row.state)


def state_words(row: QueueRow) -> str:
    """``Next``, ``Number 2``, ``Running``, ``Failed``, …."""
    if row.state == "waiting":
        return "Next" if row.place == 1 else f"Number {row.place}"
    return TITLES.get(row.state, "Run folder is gone")


def device_words(row: QueueRow) -> str:
    """The device it has or asks for, in plain words."""
    name = row.entry.slot or row.entry.device
    if name == "auto":
        return "first that is free"
    if name.startswith("cuda"):
        return f"GPU {name.partition(':')[2] or '0'}"
    return {"cpu": "processor", "mps": "GPU"}.get(name, name)
