"""Commands that bring data sets in and out: import, export-data."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from src.cli.data import progress_line, show_findings
from src.core.dataset.findings import DatasetError, Finding, counted
from src.core.dataset.formats import (
    ImportCancelledError,
    ImportFailedError,
    ImportPlan,
    Recognised,
    carry_out,
    nothing_known,
    plan_import,
    recognise,
)  # fmt: skip
from src.core.report.text import typed

Result = tuple[int, dict[str, Any]]


def the_surest(path: Path, wanted: str = "") -> tuple[Recognised, list[Recognised]]:
    """What a folder or file holds, and what else it could be.

    Raises:
        DatasetError: nothing that is known.
    """
    found = recognise(path, wanted)
    if not found:
        raise nothing_known(path)
    return found[0], found[1:]


def import_data(arguments: argparse.Namespace) -> Result:
    """``import PATH``: what was understood, then the data set in the workspace."""
    found, others = the_surest(arguments.path, arguments.format or "")
    plan = plan_import(found, arguments.name or "", arguments.merge, progress_line(arguments.json))
    if not arguments.json:
        show_plan(plan, others)
    result = {"status": "faults" if plan.has_errors else "ok", "plan": plan.to_dict()}
    if arguments.preview or plan.has_errors:
        if not arguments.json and not plan.has_errors:
            print("Nothing was written. Without --preview it will be.")
        return (1 if plan.has_errors else 0), result
    try:
        folder = carry_out(plan, arguments.to, progress_line(arguments.json))
    except (ImportFailedError, ImportCancelledError) as error:
        raise DatasetError(Finding("error", "import.failed", str(error))) from error
    outcome = plan.outcome
    assert outcome is not None, "carry_out fills it"
    config = folder / "lathe.yaml"
    if not arguments.json:
        if outcome.unchanged:
            print(f"The same import was made before, and nothing has changed: {folder}")
        else:
            shown = {f.code for f in plan.findings}
            show_findings([f for f in outcome.findings if f.code not in shown])
            print(f"Written: {folder}")
        print(f"Train on it: {typed('train', config)}", file=sys.stderr)
    findings = [f.to_dict() for f in outcome.findings]
    return 0, {**result, "folder": str(folder), "config": str(config), "unchanged": outcome.unchanged,
               "overlap_pixels": outcome.overlap_pixels, "findings": findings}  # fmt: skip


def show_plan(plan: ImportPlan, others: list[Recognised]) -> None:
    """The preview as text."""
    parts = ", ".join(f"{number} {part or 'to be divided'}" for part, number in plan.parts.items())
    print(f"{plan.recognised.title}: {counted(plan.images, 'image')} ({parts or 'none'})")
    for sentence in plan.said:
        print(f"  {sentence}")
    for number, name in enumerate(plan.classes):
        images = (
            f"  on {counted(plan.class_images[number], 'image')}"
            if plan.class_images and (number or not plan.class_objects)
            else ""
        )
        objects = (
            f", {counted(plan.class_objects[number], 'object')}" if plan.class_objects and number else ""
        )
        print(f"  {number:>3} {name}{images}{objects}")
    show_findings(plan.findings)
    if others:
        print("It could also be: " + ", ".join(f"{o.title} (--format {o.format})" for o in others) + ".")


def export_data(arguments: argparse.Namespace) -> Result:
    """``export-data SOURCE --format F OUT``: a data set in another form."""
    from src.core.dataset.export import EXPORTS, export_dataset, source_config

    if arguments.format not in EXPORTS:
        raise DatasetError(
            Finding(
                "error",
                "export.format",
                f"There is no format “{arguments.format}”.",
                f"Formats: {', '.join(EXPORTS)}.",
            )
        )
    config = source_config(arguments.source)
    try:
        done = export_dataset(
            config, arguments.format, arguments.out, arguments.images, progress_line(arguments.json)
        )
    except (ImportFailedError, ImportCancelledError) as error:
        raise DatasetError(Finding("error", "export.failed", str(error))) from error
    if not arguments.json:
        show_findings(done.findings)
        objects = f", {counted(done.objects, 'object')}" if done.objects else ""
        print(f"Written: {done.folder} ({counted(done.images, 'image')}{objects})")
    return 0, {"status": "ok", "folder": str(done.folder), "images": done.images, "objects": done.objects,
               "findings": [f.to_dict() for f in done.findings]}  # fmt: skip
