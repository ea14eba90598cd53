"""``compare-runs``: several runs side by side."""

from __future__ import annotations

import argparse
from typing import Any

from src.core.report.text import DASH, duration, number
from src.core.run import TITLES, RunFolder, RunFolderError
from src.core.run.compare import CompareError, Comparison, compare_runs

_SHOWN_VALUE = 30


def compare(arguments: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    """Results, differing settings, paired measures."""
    try:
        found = compare_runs([RunFolder.open(name) for name in arguments.runs])
    except CompareError as error:
        raise RunFolderError(str(error)) from None
    if not arguments.json:
        _print(found, arguments.all)
    return 0, {"status": "ok", **found.as_json()}


def _print(found: Comparison, everything: bool) -> None:
    for place, run in enumerate(found.runs):
        best = (
            f"{run.metric} {number(run.best_value)} (epoch {run.best_epoch})"
            if run.best_value is not None
            else DASH
        )
        mark = "*" if place == found.best else " "
        print(f"{mark} {_letter(place)}  {run.folder.name}")
        speed = f"{run.images_per_second:.1f} samples/s" if run.images_per_second else DASH
        parts = (
            TITLES[run.state],
            f"{run.epochs}/{run.planned} epochs",
            best,
            duration(run.seconds),
            speed,
            run.device,
        )
        print("      " + ", ".join(part for part in parts if part))
    for note in found.notes:
        print(f"! {note}")
    rows = [s for s in found.settings if s.differs or everything]
    print(
        "\nThe settings are the same." if not rows else "\nSettings" + ("" if everything else " that differ")
    )
    for row in rows:
        print(f"  {row.key:<38} " + "  ".join(f"{_letter(k)}: {_short(v)}" for k, v in enumerate(row.values)))
    for one in found.paired:
        print(f"\n{_letter(one.second)} against {_letter(one.first)} on the same images")
        if one.problem:
            print(f"  {one.problem}")
            continue
        for measure in one.result["measures"]:
            if measure["over"] == "pooled":
                print(
                    f"  {measure['name']:<12} {number(measure['a'])} → {number(measure['b'])}  {_chance(measure)}".rstrip()
                )


def _chance(measure: dict[str, Any]) -> str:
    p = measure.get("p")
    return "" if p is None else f"p = {p:.3f}"


def _letter(place: int) -> str:
    return chr(ord("A") + place)


def _short(value: Any) -> str:
    text = DASH if value is None else str(value)
    return text if len(text) <= _SHOWN_VALUE else "…" + text[-_SHOWN_VALUE:]
