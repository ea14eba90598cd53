"""How a run goes on: from its newest sound checkpoint, or not at all, and then it stays what it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from src.core.dataset.findings import DatasetError, counted
from src.core.run import CheckpointIndex, EventTail, RunFolder

#: Findings on what a run begins from; a run that goes on has begun.
START_CODES = ("start-missing", "start-differs", "start-normalise", "weights-missing")


class ResumeError(Exception):
    """A run that cannot go on; ``cure`` says what to do instead."""

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message)
        self.cure = cure


def unchanged(folder: RunFolder, error: DatasetError | ResumeError) -> dict[str, Any]:
    """The ending of an attempt to go on that was refused: nothing was trained, so the run has its former status."""
    former = [e for e in EventTail(folder.events).read(("batch_progress",)) if e.type == "run_ended"]
    if isinstance(error, ResumeError):
        message, cure = str(error), error.cure
    else:
        first = next((f for f in error.findings if f.severity == "error"), error.findings[0])
        message, cure = first.message, first.cure
        if first.code.endswith("-missing"):
            cure = "Put it back where it was, then Resume."
    before = former[-1].data if former else {"status": "failed"}
    kept = {key: before[key] for key in ("status", "verdict") if key in before}
    return {**kept, "cause": f"It could not go on. {message}", "cure": cure, "refused": True}


def restore(index: CheckpointIndex, trainer: Any, data: Any, warn: Callable[..., None]) -> bool:
    """Go on from the newest sound checkpoint; False where none had been written yet.

    Args:
        index: Of the run.
        trainer: Of which everything is replaced by what the checkpoint holds.
        data: The description of its data set.
        warn: Tells ``code, message, cure, where`` and perhaps ``severity``.

    Raises:
        ResumeError: The run is complete, no checkpoint can be read, or it was trained with other classes.
    """
    from src.core.engine.checkpoint import CheckpointError, load_into, read_state
    from src.core.engine.snapshot import same_optimizer

    entry, problems = index.newest_sound()
    for problem in problems:
        warn("checkpoint-damaged", problem, "The one before it is used." if entry else "", [])
    if entry is None:
        if problems:
            raise ResumeError("No checkpoint of this run can be read: " + " ".join(problems),
                              "Start the run anew with the same configuration (config.yaml in its folder).")  # fmt: skip
        return False
    try:
        state, header = read_state(index.file_of(entry))
        before, now = header["facts"].get("classes"), trainer.task.facts().get("classes")
        if before != now:
            raise ResumeError(f"The checkpoint was trained with the classes {before}, the configuration says {now}.",
                              "Put the classes back in config.yaml, or start a new run.")  # fmt: skip
        taught, now = header["facts"].get("teacher"), trainer.task.facts().get("teacher")
        if (taught or {}).get("sha256") != (now or {}).get("sha256"):
            raise ResumeError(f"The checkpoint was taught by {(taught or {}).get('name', 'nobody')}, and the configuration says "
                              f"{(now or {}).get('name', 'nobody')}, or that model has changed since.",
                              "Give the same file as distillation.teacher, or start a new run.")  # fmt: skip
        split = header.get("split_hash", data.split_hash)
        if split != data.split_hash:
            raise ResumeError(f"The checkpoint was trained on the split {split[:12]}, and dataset/ holds {data.split_hash[:12]}.",
                              "Put the run's dataset folder back as it was, or start a new run.")  # fmt: skip
        if not same_optimizer(trainer.optimizer, state["optimizer"]):
            raise ResumeError("The checkpoint was trained with another optimiser, or with other groups of weights (share of the "
                              "encoder, layer decay).", "Put training.optimizer back in config.yaml, or clone the run.")  # fmt: skip
        load_into(trainer.model, state["model"], entry.file)
    except CheckpointError as error:
        raise ResumeError(
            str(error), "Put the model's options back in config.yaml, or start a new run."
        ) from None
    trainer.restore(state, header)
    if trainer.state.epoch > trainer.options.epochs:
        raise ResumeError(f"This run has done all its {trainer.options.epochs} epochs.",
                          f"To train on, raise them: resume … training.epochs={trainer.options.epochs * 2}.")  # fmt: skip
    _tell_changes(trainer, header, warn)
    return True


def _tell_changes(trainer: Any, header: dict[str, Any], warn: Callable[..., None]) -> None:
    """Say what another length of the run, or of its epochs, changed: then it is not the run that was not interrupted."""
    before, batches = header.get("batches"), len(trainer.train_loader)
    if before and before != batches:
        warn("resumed-steps", f"An epoch had {counted(before, 'step')} and has {batches} now. The run goes on at the same share of "
             "its epochs, with other batches than it would have had.", "", ["training.batch_size"], "notice")  # fmt: skip
    planned, epochs, history = header["schedule"].get("epochs"), trainer.options.epochs, trainer.state.history
    if planned and planned != epochs and history:
        warn("resumed-epochs", f"The run was planned for {counted(planned, 'epoch')} and has {epochs} now. Its learning rate goes on "
             f"at {trainer.schedule.rate:.3g}, where the schedule of {epochs} stands; it was {history[-1]['lr']:.3g}.",
             "", ["training.epochs"], "notice")  # fmt: skip
