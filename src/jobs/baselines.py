"""What a model must be better than, measured once and written to the log of the run."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from src.core.run import CommandInbox, EventWriter


def measure_baselines(
    task: Any, writer: EventWriter, inbox: CommandInbox, reason: Callable[[Exception], str]
) -> None:
    """Write the event ``baselines`` where the task has any; one that fails does not end the run.

    Args:
        task: See ``Task.baselines``.
        writer, inbox: Of the run; a command ends the work early.
        reason: An error in half a sentence.
    """
    try:
        found = task.baselines(lambda: inbox.poll() is not None)
    except Exception as error:
        traceback.print_exc()
        writer.write(
            "warning", severity="warning", code="baselines", where=[],
            message=f"The simple methods for comparison could not be computed: {reason(error)}.",
            cure="The run itself goes on without them.",
        )  # fmt: skip
        return
    if found:
        writer.write("baselines", items=found)
