"""A predictor with one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from src.core.config.job import ComputeConfig
from src.core.dataset.findings import Finding
from src.core.inference.model import LoadedModel
from src.core.inference.predictor import Predictor
from src.core.inference.sinks import ArraySink
from src.core.inference.sources import Source
from src.tasks.segmentation.jobs.inference_config import InferenceConfig

Predict = Callable[..., list[Any]]


@pytest.fixture
def predict() -> Predict:
    """``predict(loaded, sources, batch=…, notes=…, tile=…, overlap=…)``: the results of a stream, in order."""

    def run(
        loaded: LoadedModel,
        sources: Iterable[Source],
        batch: int = 4,
        notes: list[Finding] | None = None,
        **options: Any,
    ) -> list[Any]:
        kept: list[Finding] = [] if notes is None else notes
        predictor = Predictor(
            loaded, InferenceConfig(**options), ComputeConfig(batch_size=batch), kept.append
        )
        return [result for _, result in predictor.stream(sources, lambda _source, size: ArraySink(size))]

    return run
