"""From the events of a run to what `TrainingThread` tells: batch, epoch and history."""

from __future__ import annotations

import math
from typing import Any

from src.core.run import Event, RunFolder

#: Endings after which there is a model to go on with; the others are failures.
GOOD_ENDINGS = ("completed", "stopped_early", "stopped", "paused")


def number(value: Any) -> float:
    """A number of the log; null, which stands for NaN and infinity there, becomes NaN."""
    return math.nan if value is None else float(value)


def numbers(values: Any) -> dict[str, Any]:
    """A mapping of the log with NaN for null, also inside nested mappings."""
    if not isinstance(values, dict):
        return {}
    return {
        str(k): numbers(v)
        if isinstance(v, dict)
        else number(v)
        if v is None or isinstance(v, (int, float))
        else v
        for k, v in values.items()
    }


def batch_values(event: Event) -> dict[str, Any]:
    """The last argument of ``batch_progress``: the terms of the loss, learning rate and images a second."""
    found = numbers(event.get("terms"))
    for key in ("lr", "per_second"):
        if event.get(key) is not None:
            found[key] = event.get(key)
    return found


def run_history(events: list[Event], folder: RunFolder | None, status: str = "") -> dict[str, Any]:
    """The argument of ``training_completed``: lists with a value an epoch, and how the run ended.

    Keys: ``epoch``, ``train_loss``, ``val_loss``, ``learning_rate``, ``seconds``; ``val_<name>`` for each
        metric;
    ``metrics``, the same as one mapping an epoch; ``metric``, ``best_val_metric``, ``best_epoch``, ``epochs``
    (done); ``status``, ``cause``, ``run_dir``, ``checkpoint``, ``model``, ``report`` (paths, or None).
    """
    epochs = [e for e in events if e.type == "epoch_completed"]
    ended = next((e.data for e in reversed(events) if e.type == "run_ended"), {})
    started = next((e.data for e in reversed(events) if e.type == "run_started"), {})
    newest = epochs[-1].data if epochs else {}
    metrics = [numbers(e.get("metrics")) for e in epochs]
    names = list(dict.fromkeys(name for one in metrics for name in one))
    best = ended.get("best_value", newest.get("best_value"))
    return {
        "epoch": [int(e["epoch"]) for e in epochs],
        "train_loss": [number(e.get("train_loss")) for e in epochs],
        "val_loss": [number(e.get("val_loss")) for e in epochs],
        "learning_rate": [number(e.get("lr")) for e in epochs],
        "seconds": [_seconds(e.get("seconds")) for e in epochs],
        **{f"val_{name}": [one.get(name, math.nan) for one in metrics] for name in names},
        "metrics": metrics,
        "metric": started.get("metric", ""),
        "best_val_metric": number(best),
        "best_epoch": ended.get("best_epoch", newest.get("best_epoch")),
        "epochs": int(newest["epoch"]) if newest else 0,
        "status": status or str(ended.get("status", "")),
        "cause": ended.get("cause") or "",
        "run_dir": str(folder.path) if folder else None,
        **{key: _path(folder, ended.get(key)) for key in ("checkpoint", "model", "report")},
    }


def _seconds(value: Any) -> float:
    """Time of an epoch; the log tells training and validation apart."""
    return sum(number(v) for v in value.values()) if isinstance(value, dict) else number(value)


def _path(folder: RunFolder | None, name: Any) -> str | None:
    """A path of the log, which may be relative to the run folder, as an absolute one."""
    return str(folder.path / str(name)) if folder and name else None
