"""The finding that an option would act only after the end of the run."""

from __future__ import annotations

from src.core.config.training import TrainingConfig
from src.core.dataset.findings import Finding


def late_options(training: TrainingConfig) -> list[Finding]:
    """A notice for each option whose first effect would come after the last epoch."""
    schedule, patience = training.schedule, training.early_stopping.patience
    # option, whether it is on, what it does, and the first epoch (from 1) that differs by it
    moments = [
        ("swa.from_epoch", training.swa.from_epoch > 0, "epochs are averaged", training.swa.from_epoch),
        ("schedule.step_epochs", schedule.name == "step", "the learning rate is lowered", schedule.step_epochs + 1),
        ("schedule.milestones", schedule.name == "multi_step", "the learning rate is lowered",
         min(schedule.milestones, default=training.epochs) + 1),
        # the first epoch is always the best so far: stalled ones are counted from the second on
        ("schedule.patience", schedule.name == "plateau", "the learning rate can be lowered", schedule.patience + 3),
        ("early_stopping.patience", patience > 0, "epochs can be left out", patience + 2),
    ]  # fmt: skip
    return [
        Finding("notice", "option.too_late", f"training.{key} does nothing: {what} from epoch {first} on at the earliest, and the run "
                f"has {training.epochs}.", f"Choose a smaller value, or train for {first} epochs or more.", (f"training.{key}",))
        for key, on, what, first in moments
        if on and first > training.epochs
    ]  # fmt: skip
