"""Parts of a model card that every model has: what it learnt from, its evaluation, whose rights bind it. Torch-free."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from src.core.config import ConfigError, read_yaml
from src.core.run.model_source import ModelSource


def sections(title: str, parts: dict[str, str]) -> str:
    """A card as Markdown: the title, and each part below its heading."""
    return "\n\n".join([f"# {title}", *(f"## {head}\n\n{text}" for head, text in parts.items())]) + "\n"


def trained_on(source: ModelSource, root: str, summary: str) -> str:
    """The data set in a sentence, without paths of the machine; ``summary`` is empty where the description is gone."""
    if source.run is None:
        return "Not known: the model file belongs to no run of Lathe."
    if not summary:
        return f"The run {source.run.name}; the description of its data is not there any more."
    epoch = f" The weights are those of epoch {source.epoch}." if source.epoch else ""
    return f"{Path(root).name or 'Data'}: {summary}{epoch}"


def not_evaluated(source: ModelSource, many: str) -> str:
    """What is known of the quality of a model without an evaluation; ``many`` are its samples, such as images."""
    value = source.header.get("value")
    monitoring = settings_of(source).get("monitoring") or {}
    metric = str(monitoring.get("best_metric") or "the measure of the training")
    if isinstance(value, int | float):
        return (
            f"It was not evaluated on test {many}. On the validation {many}, by which its epoch was chosen, it reached "
            f"{metric} {value:.4f}; expect a little less on new {many}."
        )
    return f"It was not evaluated yet. Evaluate it on {many} that it never saw before relying on it."


def measured(values: dict[str, Any], titles: dict[str, str]) -> list[str]:
    """Lines of a list with the values of an evaluation and their intervals."""
    lines = []
    for key, title in titles.items():
        value = values.get(key) or {}
        if isinstance(value.get("value"), int | float):
            ends = (value.get("low"), value.get("high"))
            between = f" (95 % interval {ends[0]:.4f} to {ends[1]:.4f})" if None not in ends else ""
            lines.append(f"- {title}: {value['value']:.4f}{between}")
    return lines


def newest_evaluation(source: ModelSource) -> dict[str, Any] | None:
    """The newest evaluation of the same epoch that can be read; of the model file itself where it is not known."""
    if source.run is None:
        return None
    paths = sorted((source.run.path / "evaluations").glob("*/evaluation.json"), key=_age, reverse=True)
    for path in paths:
        try:
            document = json.loads(path.read_bytes())
            epoch = int((document.get("model") or {}).get("epoch") or 0)
        except (OSError, ValueError, AttributeError, TypeError):
            continue
        if not (epoch and source.epoch) or epoch == source.epoch:
            return document if isinstance(document, dict) else None
    return None


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def settings_of(source: ModelSource) -> dict[str, Any]:
    """The configuration of the model's run; empty where there is none."""
    if source.run is None:
        return {}
    try:
        return dict(read_yaml(source.run.config))
    except (ConfigError, OSError):
        return {}


def licence(weights: str | None, many: str) -> str:
    """What may bind the weights; Lathe itself puts no condition on them.

    Args:
        weights: With which training began: empty for random ones, None where it is not known.
        many: What it learnt from, such as images.
    """
    text = "Lathe claims no rights in models that are trained with it. "
    if weights == "":
        return f"{text}Training began from random weights: besides you, only the owners of the training {many} may have rights."
    if weights is None:
        return f"{text}It is not known whether training began from pretrained weights: if so, their licence applies too."
    extra = ""
    if weights == "imagenet":
        extra = (
            " The images of ImageNet are for research only; whether models that began with its weights may be sold is for "
            "you to settle."
        )
    return (
        f"{text}Training began from the pretrained weights “{Path(weights).name}” of the encoder: the licence on their page "
        f"applies too.{extra} The owners of the training {many} may have rights as well."
    )
