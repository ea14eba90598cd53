"""Options of learning from a teacher: the same for every task that can."""

from __future__ import annotations

from src.core.config.conditions import when
from src.core.config.fields import Section, option

_TAUGHT = when("teacher", because="there is no teacher")


class DistillationConfig(Section):
    """A trained model as a teacher of a smaller one."""

    teacher: str = option(
        "", "Teacher", "A run, or the file of a model, with the same classes: the network also learns what that one predicts. "
        "Empty: it learns from the truth alone.", path="file_or_none", group="Teacher", advanced=True,
    )  # fmt: skip
    weight: float = option(
        0.5, "Weight of its predictions", "Share of the loss that asks for the teacher's predictions; the rest asks for the "
        "truth. 0 leaves them out.", ge=0, le=1, group="Teacher", advanced=True, applies=[_TAUGHT],
    )  # fmt: skip
    temperature: float = option(
        2.0, "Temperature", "What both predictions are divided by before they are compared: above 1 the teacher's doubts count "
        "more.", ge=0.1, le=100, group="Teacher", advanced=True, applies=[_TAUGHT],
    )  # fmt: skip
    feature_weight: float = option(
        0.0, "Weight of its features", "How strongly the encoder's last features are drawn to the teacher's, beside the rest of "
        "the loss; 0 leaves them out.", ge=0, le=1000, group="Teacher", advanced=True, applies=[_TAUGHT],
    )  # fmt: skip

    @property
    def acts(self) -> bool:
        """Whether there is a teacher and anything is learnt from it."""
        return bool(self.teacher and (self.weight or self.feature_weight))
