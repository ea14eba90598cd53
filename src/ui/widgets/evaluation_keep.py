"""Writes the threshold that a person chose beside the model, ``<run>/threshold.json``, and takes it back. For threads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.ui.widgets.evaluation_data import EvaluationData

if TYPE_CHECKING:
    from src.core.evaluation.pieces import Curve
    from src.core.evaluation.threshold import StoredThreshold

#: A threshold is ``place / STEPS``.
STEPS = 255


def keep_threshold(run: Path, data: EvaluationData, place: int) -> tuple[bytes | None, float | None]:
    """Write a threshold beside a model; for a thread.

    Returns:
        What the file held before, and the threshold in it; None where there was none.

    Raises:
        OSError: The folder cannot be written.
    """
    from src.core.evaluation.threshold import THRESHOLD_NAME, StoredThreshold, read_threshold, write_threshold

    file, old = run / THRESHOLD_NAME, read_threshold(run)
    before = file.read_bytes() if file.is_file() else None
    document = data.document
    curve = document.curves[0]
    # Only what is best on validation may pass for fitted there: an evaluation of the test part would trust it
    measure, score = _chosen_by(curve, place) if document.data.part == "val" else ("none", None)
    inference = {key: value for key, value in document.inference.items() if key != "compute"}
    stored = StoredThreshold(
        value=place / STEPS, measure=measure, score=score, part=document.data.part, evaluation=str(data.folder),
        checkpoint=document.model.checkpoint, epoch=document.model.epoch, inference=inference,
        decision=_decision(data, old, inference),
    )  # fmt: skip
    write_threshold(run, stored)
    return before, None if old is None else old.value


def kept_now(run: str | None) -> tuple[float, str] | None:
    """The threshold that predictions of a run use and the part it was chosen on; None where none is kept."""
    try:
        raw = json.loads((Path(run or "") / "threshold.json").read_bytes())
        return float(raw["value"]), str(raw.get("part") or "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _chosen_by(curve: Curve, place: int) -> tuple[str, float | None]:
    for measure in ("iou", "dice"):
        best = curve.best.get(measure)
        if best is not None and round(best * STEPS) == place:
            return measure, getattr(curve, measure)[place]
    return "none", None


def _decision(
    data: EvaluationData, old: StoredThreshold | None, inference: dict[str, Any]
) -> dict[str, float] | None:
    """The threshold of the image decision is not what was chosen here: it stays."""
    if old is not None and old.decision is not None and old.fits(data.document.model.checkpoint, inference):
        return dict(old.decision)
    decision = data.document.decision
    if decision.threshold is None or data.document.data.part != "val":
        return None
    return {"threshold": decision.threshold, "false_alarm_rate": decision.asked_false_alarm_rate}


def restore_threshold(run: Path, before: bytes | None) -> None:
    """Put back what the file held; for a thread. Raises OSError."""
    from src.core.evaluation.threshold import THRESHOLD_NAME
    from src.core.run.folder import write_atomically

    if before is None:
        (run / THRESHOLD_NAME).unlink(missing_ok=True)
    else:
        write_atomically(run / THRESHOLD_NAME, before)
