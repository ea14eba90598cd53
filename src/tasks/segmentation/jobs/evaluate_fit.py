"""What an evaluation chooses on validation: the threshold of pixels and that of images. Torch-free."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from src.core.dataset.findings import Finding, counted
from src.core.dataset.masks import MaskMeaning
from src.core.dataset.records import Sample
from src.core.evaluation.collect import Collector
from src.core.evaluation.decision import threshold_for_rate
from src.core.evaluation.measure import Rules
from src.core.evaluation.pieces import Threshold
from src.core.evaluation.threshold import TITLES, StoredThreshold, choose_threshold, read_threshold
from src.core.run.folder import RunFolder
from src.tasks.segmentation.jobs.evaluate_config import EvaluateConfig
from src.tasks.segmentation.jobs.evaluate_data import EvaluationData

Predict = Callable[[Sequence[Sample], MaskMeaning, Rules], Collector]


@dataclass
class Fitted:
    """What was chosen on validation; ``cutoff`` is the threshold of the image decision, ``fresh``: chosen just now."""

    threshold: Threshold
    cutoff: float | None = None
    cutoff_from: str = ""
    here: bool = False
    reason: str = ""
    fresh: bool = False


class Fitter:
    """Chooses thresholds, with as few predictions as possible."""

    def __init__(
        self,
        config: EvaluateConfig,
        data: EvaluationData,
        rules: Rules,
        run: RunFolder | None,
        mark: str,
        predict: Predict,
        note: Callable[[Finding], None],
    ) -> None:
        """`mark`: of the model's file; `predict` predicts and counts images by given rules."""
        self._config, self._data, self._rules, self._run = config, data, rules, run
        self._mark, self._predict, self._note = mark, predict, note
        self._inference = config.inference.model_dump(mode="json")

    def fit(self) -> Fitted:
        """Both thresholds; predicts the validation images unless an earlier evaluation of this model did."""
        config, data = self._config, self._data
        automatic = self._rules.binary and config.threshold == "auto" and config.threshold_for != "none"
        here = data.validates_itself
        threshold = self._given_threshold() if not automatic else None
        stored = self._stored(automatic)
        if stored is not None and (automatic or stored.decision):
            threshold = threshold or Threshold(
                value=stored.value, source="evaluated" if here else "stored", measure=stored.measure, score=stored.score,
                part="val", fitted_here=here, sentence=_fitted_sentence(stored.measure, stored.value, here),
            )  # fmt: skip
            return Fitted(
                threshold,
                (stored.decision or {}).get("threshold"),
                "validation",
                here,
                _no_empty(stored.decision),
            )
        if not data.validation:
            return self._unfitted(threshold)
        if here and not automatic:  # the scores of images come out of the one pass
            return Fitted(threshold or _argmax(), cutoff_from="validation", here=True)
        rules = replace(self._rules, detailed=False)
        meaning = data.validation_meaning or data.meaning
        collected = self._predict(data.validation, meaning, rules)
        chosen = threshold or self._choose(collected, here)
        fitted = Fitted(chosen, cutoff_from="validation", here=here, fresh=True)
        return replace(fitted, **self.cutoff(collected))

    def _stored(self, automatic: bool) -> StoredThreshold | None:
        """What an earlier evaluation chose for this very model in this very way."""
        if self._run is None or not self._rules.binary:
            return None
        stored = read_threshold(self._run.path)
        if stored is None or not stored.fits(
            self._mark, self._inference, self._config.threshold_for if automatic else ""
        ):
            return None
        rate = (stored.decision or {}).get("false_alarm_rate", self._config.false_alarm_rate)
        return stored if rate == self._config.false_alarm_rate else None

    def _given_threshold(self) -> Threshold:
        if not self._rules.binary:
            return _argmax()
        if self._config.threshold == "auto":
            return Threshold(
                value=0.5, source="default", sentence="The threshold is 0.5: none was to be chosen."
            )
        value = float(self._config.threshold)
        return Threshold(value=value, source="given", sentence=f"The threshold {value:g} was given.")

    def _unfitted(self, threshold: Threshold | None) -> Fitted:
        reason = "There are no validation images to choose a threshold on."
        if threshold is None:
            text = f"{reason} The threshold is 0.5."
            self._note(Finding("warning", "evaluation.no_validation", text,
                              "Give a threshold (threshold=…), or evaluate with the run's own data first."))  # fmt: skip
            threshold = Threshold(value=0.5, source="default", sentence=text)
        return Fitted(threshold, reason=reason)

    def _choose(self, collected: Collector, here: bool) -> Threshold:
        measure = self._config.threshold_for
        found = choose_threshold(measure, collected.column("histograms"))
        if found is None:
            text = "No validation image shows an object, so no threshold can be chosen: it is 0.5."
            self._note(Finding("warning", "evaluation.no_object", text, "Give a threshold (threshold=…)."))
            return Threshold(value=0.5, source="default", sentence=text)
        value, score = found
        return Threshold(value=value, source="evaluated" if here else "validation", measure=measure, score=score, part="val",
                         fitted_here=here, sentence=_fitted_sentence(measure, value, here))  # fmt: skip

    def cutoff(self, collected: Collector) -> dict[str, Any]:
        """The fields of `Fitted` for the image decision, from the scores of images without an object."""
        scores, with_object = collected.column("score"), collected.column("with_object").astype(bool)
        without = scores[~with_object & ~np.isnan(scores)] if len(scores) else scores
        cutoff = threshold_for_rate(without, self._config.false_alarm_rate)
        if cutoff is None:
            return {"cutoff": None, "reason": _no_empty(None)}
        reason = ""
        if len(without) * self._config.false_alarm_rate < 1:
            reason = (
                f"Only {counted(len(without), 'validation image')} without an object: a rate of "
                f"{self._config.false_alarm_rate:.1%} cannot be told from none, so none of them is called defective."
            )
        return {"cutoff": cutoff, "reason": reason}


def _argmax() -> Threshold:
    return Threshold(
        value=None, source="argmax", sentence="Each pixel is of the likeliest class; there is no threshold."
    )


def _fitted_sentence(measure: str, value: float, here: bool) -> str:
    text = f"The threshold {value:.3f} gives the highest {TITLES[measure]} on the validation images."
    if here:
        text += " These are the very images that are evaluated here, so the numbers are somewhat too good."
    return text


def _no_empty(decision: dict[str, float] | None) -> str:
    return (
        ""
        if decision
        else "No validation image is without an object, so no false alarm can be counted on them."
    )
