"""The finding that an option was set and does nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from src.core.config.conditions import Condition, without_effect
from src.core.config.fields import options
from src.core.config.late import late_options
from src.core.config.layers import flatten
from src.core.config.training import RunConfig
from src.core.dataset.findings import Finding, listed


def idle_options(config: BaseModel) -> list[Finding]:
    """A notice for each reason for which options that were set do nothing; those at their defaults say nothing, unless the run
    ends before they would act.
    """
    found = options(type(config))
    values = flatten(config.model_dump(mode="json"))
    defaults = {o.key: o.default for o in found}
    idle: dict[Condition, list[str]] = {}
    for key, condition in without_effect(found, values).items():
        if values[key] != defaults[key]:
            idle.setdefault(condition, []).append(key)
    late = late_options(config.training) if isinstance(config, RunConfig) else []
    return [idle_notice(condition, keys, values) for condition, keys in idle.items()] + late


def idle_notice(condition: Condition, keys: list[str], values: Mapping[str, Any]) -> Finding:
    """That options do nothing because of a condition; ``values`` has the value of the option that it speaks of."""
    several = len(keys) > 1
    reason = condition.because
    if not reason:
        now = values[condition.key]
        reason = f"{condition.key} is {'not set' if now in ('', None) else f'“{now}”'}"
    text = f"{listed(keys)} {'do' if several else 'does'} nothing: {reason}."
    cure = f"To use {'them' if several else 'it'}, {condition.way_back(condition.key)}."
    return Finding("notice", "option.no_effect", text, cure, tuple(keys))
