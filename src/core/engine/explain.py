"""What an exception means for the person who trains: a cause and a cure."""

from __future__ import annotations

import errno

import torch

from src.core.engine.callbacks import Outcome
from src.core.engine.task import Task


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory was not enough, of a device or of the computer."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "not enough memory" in str(error)


def explain(error: BaseException, task: Task, device: torch.device) -> Outcome:
    """What an exception of the loop means for the person who trains."""
    text = str(error)
    if is_out_of_memory(error):
        where = "the computer" if device.type == "cpu" else str(device)
        return Outcome(
            "failed", f"The memory of {where} was not enough.", task.mend(MemoryError(text), device)
        )
    return explain_error(error)


def explain_error(error: BaseException, again: str = "resume goes on from the last checkpoint") -> Outcome:
    """What an exception means, where nothing is known of task and device; ``again`` says how to go on."""
    if isinstance(error, KeyboardInterrupt):
        return Outcome("stopped", "Interrupted from the keyboard.", f"{again[0].upper()}{again[1:]}.")
    cure = getattr(error, "cure", "")
    if (isinstance(error, OSError) and error.errno == errno.ENOSPC) or "No space left" in str(error):
        return Outcome(
            "failed", "The disk is full.", f"Free some space. Nothing that was saved is lost: {again}."
        )
    text = str(error).strip() or type(error).__name__
    if "does not have a deterministic implementation" in text:
        return Outcome(
            "failed",
            f"The GPU has no routine of which every sum is the same each time: {text.split(' does not', 1)[0]}.",
            "Turn “Deterministic on the GPU” off (training.deterministic=false), choose another architecture, or train on the CPU.",
        )
    if (
        "DataLoader worker" in text
    ):  # torch raises it from a signal handler, wherever the loop is at that moment
        return Outcome(
            "failed",
            "A process that reads images was ended from outside, most often because memory ran out.",
            "Use fewer workers (data.workers) or threads (data.worker_kind=thread), then resume.",
        )
    if callback := getattr(error, "raised_by", ""):
        return Outcome(
            "failed",
            f"Your callback {callback} raised {type(error).__name__}: {text.splitlines()[0]}",
            f"Mend it: train.log names the line. What was saved is not affected: {again}.",
        )
    # A message of ours is written for people; of other libraries the type says more than the first line alone
    known = bool(cure) or isinstance(error, OSError) or type(error).__module__.startswith("src.")
    cause = text if known else f"{type(error).__name__}: {text.splitlines()[0]}"
    if not known:
        cure = (
            f"Lathe does not know this error. What was saved is not affected: {again}. "
            "If it happens again, report it with the file train.log beside config.yaml."
        )
    return Outcome("failed", cause, cure)
