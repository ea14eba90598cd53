"""What the jobs on recordings ask about recordings that the model was not trained on. Torch-free."""

from __future__ import annotations

from src.core.config.fields import Section, option, section
from src.tasks.bearing.config import FactsConfig, GeometryConfig


class RecordingsConfig(Section):
    """How recordings are read; what is empty is taken from the run of the model."""

    channel: str = option(
        "", "Channel", "Variable or column of the signal; empty takes that of the training, or the only one of the file."
    )  # fmt: skip
    name_pattern: str = option(
        "", "Name pattern", "How names are written, such as {label}_{load}_{speed}rpm; empty takes that of the training.",
        advanced=True,
    )  # fmt: skip
    facts: FactsConfig = section(FactsConfig, "Facts")
    bearing: GeometryConfig = section(GeometryConfig, "Bearing")
