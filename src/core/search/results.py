"""What windows draw of a search, in one file; and the configuration of its best trial."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from src.core.config import ConfigError, Layer, Resolved, dump_yaml, nest, options, resolve
from src.core.run import RunFolder
from src.core.run.folder import write_atomically
from src.core.search.care import ranked
from src.core.search.config import SearchPlan
from src.core.search.folder import SearchFolder
from src.core.search.trials import TrialView


def trial_config(plan: SearchPlan, params: Mapping[str, Any], **more: Any) -> Resolved[Any]:
    """The configuration of a trial.

    Raises:
        ConfigError: The values are not possible together.
    """
    said = (
        dict(params)
        | {"monitoring.best_metric": plan.metric}
        | {k.replace("__", "."): v for k, v in more.items()}
    )
    both = resolve(plan.task.config, [Layer("default", nest(plan.base.flat() | said))])
    return Resolved(both.config, {**plan.base.origins, **dict.fromkeys(params, "command line")})


def best_of(plan: SearchPlan, views: Sequence[TrialView]) -> TrialView | None:
    """The best trial that ran to its end; the earlier one of equals."""
    return next(iter(ranked(views, plan.maximise)), None)


def results_of(
    plan: SearchPlan, views: Sequence[TrialView], importance: Mapping[str, float]
) -> dict[str, Any]:
    """The content of ``results.json``.

    Returns:
        ``trials`` (see `TrialView`; ``curve`` as ``[epoch, value]`` pairs); ``history``: ``number``, ``value`` and ``best``
        so far of each trial that ended with a value; ``importance``: key to share, the largest first; ``parallel``:
        ``axes`` (``key``, ``label``, ``kind``, ``low``, ``high``, ``log``, ``choices`` and
        their ``names``) and ``lines`` (``number``,
        ``value``, ``values`` by axis, null where an option did nothing); ``best``; ``planned``; ``metric``; ``mode``.
    """
    best = best_of(plan, views)
    known = {o.key: o for o in options(plan.task.config)}
    axes = [
        {"key": d.key, "label": known[d.key].label, "kind": d.kind, "low": d.low, "high": d.high, "log": d.log,
         "choices": list(d.choices),
         "names": [str((known[d.key].choice_labels or {}).get(c, c)) for c in d.choices]}
        for d in plan.space
    ]  # fmt: skip
    valued = [v for v in views if v.value is not None and v.state in ("completed", "pruned")]
    return {
        "updated": time.time(), "metric": plan.metric, "mode": "max" if plan.maximise else "min", "planned": plan.trials,
        "sampler": plan.settings.sampler, "pruner": plan.settings.pruner,
        "trials": [asdict(v) | {"params": dict(v.params), "curve": [list(p) for p in sorted(v.curve.items())]} for v in views],
        "history": _history(plan, valued),
        "importance": dict(sorted(importance.items(), key=lambda item: -item[1])),
        "parallel": {"axes": axes, "lines": [{"number": v.number, "value": v.value, "state": v.state,
                                              "values": [v.params.get(d.key) for d in plan.space]} for v in valued]},
        "best": None if best is None else {"number": best.number, "value": best.value, "params": dict(best.params),
                                           "run": best.run},
    }  # fmt: skip


def _history(plan: SearchPlan, valued: Sequence[TrialView]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    top: float | None = None
    for view in valued:
        assert view.value is not None
        if view.state == "completed":
            top = view.value if top is None else (max if plan.maximise else min)(top, view.value)
        found.append({"number": view.number, "value": view.value, "state": view.state, "best": top})
    return found


def write_results(
    folder: SearchFolder, plan: SearchPlan, views: Sequence[TrialView], importance: Mapping[str, float]
) -> None:
    """Write ``results.json``, and ``best.yaml`` once a trial has run to its end.

    Raises:
        OSError: The disk is full, or the folder is gone.
    """
    RunFolder(folder.path).write_json(folder.results, results_of(plan, views, importance))
    best = best_of(plan, views)
    if best is None:
        return
    try:
        text = dump_yaml(trial_config(plan, best.params))
    except ConfigError:  # the trial ran with it; only a program that was changed since could refuse it now
        return
    head = f"# Trial {best.number} of the search {folder.name}: {plan.metric} {best.value:.4f}.\n"
    head += "# Train with it: app.py train best.yaml\n"
    if not folder.best.exists() or folder.best.read_text("utf-8") != head + text:
        write_atomically(folder.best, (head + text).encode())
