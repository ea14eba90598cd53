"""Options of the optimiser and of the learning rate's schedule: the same for every task."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from src.core.config.conditions import unless, when
from src.core.config.fields import Section, option


class OptimizerConfig(Section):
    """Which optimiser moves the weights, and how fast."""

    name: Literal["adamw", "adam", "sgd", "rmsprop", "lion"] = option(
        "adamw", "Optimiser", "Rule that turns gradients into steps; AdamW is the safe choice. Lion needs about a third of "
        "AdamW's learning rate and three times its weight decay.",
        choice_labels={"adamw": "AdamW", "adam": "Adam", "sgd": "SGD with Nesterov momentum", "rmsprop": "RMSprop",
                       "lion": "Lion"},
    )  # fmt: skip
    learning_rate: float = option(
        5e-4, "Learning rate", "Size of a step at the peak of the schedule.", gt=0, le=10.0
    )
    encoder_rate: float = option(
        1.0, "Encoder's share", "The encoder learns at this fraction of the learning rate; below 1 it keeps more of its "
        "pretrained weights.", ge=0, le=10, advanced=True,
    )  # fmt: skip
    layer_decay: float = option(
        1.0, "Layer decay", "Each block of the encoder learns at this fraction of the rate of the block after it, so that "
        "early ones change least; 1 turns it off.", gt=0, le=1, advanced=True,
    )  # fmt: skip
    weight_decay: float = option(
        0.01, "Weight decay", "Pulls weights towards zero; biases and normalisation layers are left out.",
        ge=0, le=1.0, advanced=True,
    )  # fmt: skip
    momentum: float = option(
        0.9, "Momentum", "How much of the last step is kept.", ge=0, lt=1, advanced=True,
        applies=[when("name", "sgd", "rmsprop")],
    )  # fmt: skip


class ScheduleConfig(Section):
    """How the learning rate changes; counted in updates, so that it does not depend on the batch size."""

    name: Literal[
        "cosine", "linear", "polynomial", "exponential", "step", "multi_step", "one_cycle", "cosine_restarts", "noam",
        "plateau", "constant",
    ] = option(
        "cosine", "Schedule", "How the learning rate changes over the run.",
        choice_labels={
            "cosine": "Cosine to almost zero", "linear": "Linear to almost zero", "polynomial": "Polynomial to almost zero",
            "exponential": "Exponential", "step": "Lower every N epochs", "multi_step": "Lower at chosen epochs",
            "one_cycle": "One cycle: up, then down", "cosine_restarts": "Cosine with restarts",
            "noam": "Inverse square root (Noam)", "plateau": "Lower when validation stalls", "constant": "Constant",
        },
    )  # fmt: skip
    warmup_epochs: float = option(
        0.5, "Warm-up", "The rate rises linearly from almost zero during this time; 0 turns it off.",
        unit="epochs", ge=0, applies=[unless("name", "one_cycle", because="the cycle has a rise of its own")],
    )  # fmt: skip
    final_fraction: float = option(
        0.01, "Final rate", "The run ends at this fraction of the learning rate.", ge=0, le=1, advanced=True,
        applies=[when("name", "cosine", "linear", "polynomial", "one_cycle", "cosine_restarts")],
    )  # fmt: skip
    power: float = option(
        0.9, "Power", "1 is a straight line; larger falls faster at first.", gt=0, le=10,
        applies=[when("name", "polynomial")],
    )  # fmt: skip
    epoch_factor: float = option(
        0.95, "Factor an epoch", "What is left of the rate after each epoch.", gt=0, lt=1,
        applies=[when("name", "exponential")],
    )  # fmt: skip
    step_epochs: int = option(
        10, "Step length", "The rate is lowered every so many epochs.", unit="epochs", ge=1,
        applies=[when("name", "step")],
    )  # fmt: skip
    milestones: list[int] = option(
        lambda: [30, 40], "Milestones", "Epochs after which the rate is lowered.", unit="epochs",
        applies=[when("name", "multi_step")],
    )  # fmt: skip
    factor: float = option(
        0.3, "Factor", "The rate is multiplied by this number when it is lowered.", gt=0, lt=1,
        applies=[when("name", "step", "multi_step", "plateau")],
    )  # fmt: skip
    patience: int = option(
        5, "Patience", "Epochs without a better validation loss before the rate is lowered.", unit="epochs",
        ge=0, applies=[when("name", "plateau")],
    )  # fmt: skip
    rise: float = option(
        0.3, "Rise", "Share of the run during which the rate rises, from a 25th of its peak.", gt=0, lt=1,
        applies=[when("name", "one_cycle")],
    )  # fmt: skip
    cycle_epochs: float = option(
        10.0, "First cycle", "Length of the first cycle; then the rate jumps back to its peak.", unit="epochs", gt=0,
        applies=[when("name", "cosine_restarts")],
    )  # fmt: skip
    cycle_growth: float = option(
        2.0, "Cycles grow by", "Each cycle is so many times as long as the one before.", ge=1, le=10,
        applies=[when("name", "cosine_restarts")],
    )  # fmt: skip

    @field_validator("milestones")
    @classmethod
    def _rising(cls, values: list[int]) -> list[int]:
        if any(v < 1 for v in values) or sorted(set(values)) != values:
            raise ValueError(
                "Milestones are epochs from 1 on, each later than the one before, such as [30, 40]."
            )
        return values
