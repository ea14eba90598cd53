"""A trial as people see it, made of what Optuna keeps of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psutil
from optuna.trial import FrozenTrial, TrialState

STATES = {
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
    TrialState.COMPLETE: "completed",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


@dataclass(frozen=True)
class TrialView:
    """One trial as people see it.

    Attributes:
        number: From 1 in the order of drawing.
        state: ``waiting``, ``running``, ``interrupted`` (nobody works on it), ``completed``, ``pruned``, ``failed``.
        params: Dotted key to value; options that do nothing beside the others are not drawn.
        value: The best epoch's; of a pruned trial that of its last epoch.
        run: Path of its run within the search's folder.
        curve: Epoch (from 1) to value.
        attempts: Processes that worked on it.
    """

    number: int
    state: str
    params: Mapping[str, Any]
    value: float | None
    run: str
    cause: str
    cure: str
    seconds: float | None
    attempts: int
    curve: Mapping[int, float] = field(default_factory=dict)


def alive(owner: Mapping[str, Any]) -> bool:
    """Whether a process of this machine lives (a reused process number does not count)."""
    try:
        process = psutil.Process(int(owner["pid"]))
        same = abs(process.create_time() - float(owner["create_time"])) < 2
        return same and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, KeyError, ValueError):
        return False


def view_of(number: int, chain: list[FrozenTrial]) -> TrialView:
    """A trial with its continuations as people see it."""
    trial = chain[-1]
    state = STATES[trial.state]
    attrs = trial.user_attrs
    owner = attrs.get("owner", {})
    if (state == "running" and (owner is None or "left_by" in owner)) or (
        state == "failed" and attrs.get("abandoned")
    ):
        state = "interrupted"
    begun, ended = chain[0].datetime_start, trial.datetime_complete
    return TrialView(
        number=number, state=state, params=dict(trial.params), value=trial.value if trial.values else None,
        run=str(attrs.get("run", "")), cause=str(attrs.get("cause", "")), cure=str(attrs.get("cure", "")),
        seconds=(ended - begun).total_seconds() if begun and ended and state != "interrupted" else None,
        attempts=len([t for t in chain if t.state != TrialState.WAITING]), curve=dict(trial.intermediate_values),
    )  # fmt: skip
