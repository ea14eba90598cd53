"""Range test, batch finder and measured ways of computing, on the toy and on curves whose answer is known."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
import torch

from src.core.engine import tuning
from src.core.engine.tuning import (
    batch_sizes,
    compiled,
    computing,
    rate_range,
    reading,
    repeated,
    suggested_batch,
    suggested_rate,
)
from tests.toy import ToyLoader, ToyTask, make_trainer


def test_the_rate_of_the_steepest_fall_is_suggested() -> None:
    def curve(of: Any) -> list[dict[str, float]]:
        rates = [10 ** (-7 + 7 * k / 99) for k in range(100)]
        return [{"lr": r, "loss": of(r), "smooth": of(r)} for r in rates]

    # a fall as a logistic over the logarithm of the rate is steepest at its middle; then the loss grows
    found = suggested_rate(
        curve(lambda r: 2 - 1 / (1 + math.exp(-4 * (math.log10(r) + 3))) + (r > 0.1) * r * 20)
    )
    assert found["suggestion"] == pytest.approx(1e-3, rel=0.25)
    assert found["lowest_loss_at"] is not None and 1e-3 < found["lowest_loss_at"] <= 0.11
    assert suggested_rate(curve(lambda r: 1 + r))["suggestion"] is None
    assert suggested_rate([])["suggestion"] is None


def test_the_range_test_goes_through_the_rates_and_ends_where_the_loss_grows() -> None:
    trainer = make_trainer(train=ToyLoader(6, size=64))
    told: list[int] = []
    found = rate_range(trainer, lambda done, total, what: told.append(done), lambda: False)
    rates = [row["lr"] for row in found["curve"]]
    assert rates[0] == pytest.approx(1e-7) and rates == sorted(rates)
    assert all(b / a == pytest.approx(rates[1] / rates[0]) for a, b in pairwise(rates))
    assert found["suggestion"] is not None and 1e-3 < found["suggestion"] < 0.5
    assert told == list(range(1, len(rates) + 1))
    assert trainer.train_loader.read[:2] == [(1, 0), (1, 1)]  # type: ignore[attr-defined]


def test_the_range_test_keeps_the_shares_of_the_groups_and_obeys() -> None:
    trainer = make_trainer()
    group = trainer.optimizer.param_groups[-1]
    group["lr"] = trainer.schedule.rate / 10
    rate_range(trainer, lambda *_: None, lambda: trainer.train_loader.read[-1:] == [(1, 3)])  # type: ignore[attr-defined]
    assert (
        group["lr"] == pytest.approx(trainer.optimizer.param_groups[0]["lr"] / 10)
        or len(trainer.optimizer.param_groups) == 1
    )
    assert len(trainer.train_loader.read) <= 5  # type: ignore[attr-defined]


def test_a_batch_is_repeated_to_any_size() -> None:
    batch = {
        "x": torch.arange(3.0)[:, None],
        "index": torch.arange(3),
        "names": ["a", "b", "c"],
        "scale": 2.0,
    }
    found = repeated(batch, 5)
    assert found["x"].flatten().tolist() == [0, 1, 2, 0, 1] and found["names"] == ["a", "b", "c", "a", "b"]
    assert len(repeated(batch, 2)["index"]) == 2 and found["scale"] == 2.0


def test_the_smallest_batch_that_is_nearly_the_fastest() -> None:
    rows = [
        {"batch_size": 2**k, "images_per_second": v} for k, v in enumerate([50.0, 90.0, 99.0, 100.0, 97.0])
    ]
    assert suggested_batch(rows) == {"largest": 16, "suggestion": 4}
    assert suggested_batch([]) == {"largest": None, "suggestion": None}


def test_batches_are_tried_until_memory_is_short() -> None:
    class Hungry(ToyTask):
        def training_step(self, model: Any, batch: Any) -> Any:
            if len(batch["index"]) > 8:
                raise torch.OutOfMemoryError("out of memory")
            return super().training_step(model, batch)

    trainer = make_trainer()
    trainer.task = Hungry(trainer.task.config, ToyLoader(), None)
    found = batch_sizes(trainer, 1000, lambda *_: None, lambda: False)
    assert [row["batch_size"] for row in found["curve"]] == [2, 4, 8]
    assert found["largest"] == 8 and found["suggestion"] in (2, 4, 8) and "16" in found["ended"]

    class Broken(ToyTask):
        def training_step(self, model: Any, batch: Any) -> Any:
            raise RuntimeError("shapes do not match")

    trainer.task = Broken(trainer.task.config, ToyLoader(), None)
    with pytest.raises(RuntimeError, match="shapes"):
        batch_sizes(trainer, 8, lambda *_: None, lambda: False)


def test_each_format_and_layout_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        tuning, "step_seconds", lambda trainer, batch: 0.5 if trainer.precision.name == "bf16" else 1.0
    )
    found = computing(make_trainer(), lambda *_: None, lambda: False)
    assert [(w["training.precision"], w["training.channels_last"], w["seconds"]) for w in found] == [
        ("fp32", True, 1.0), ("fp32", False, 1.0), ("bf16", True, 0.5), ("bf16", False, 0.5),
    ]  # fmt: skip


def test_loaders_are_measured_and_closed() -> None:
    made: list[ToyLoader] = []

    def make(workers: int) -> ToyLoader:
        made.append(ToyLoader())
        return made[-1]

    found = reading(make, [0, 2], 0.01, lambda *_: None)
    assert [r["data.workers"] for r in found] == [0, 2] and all(r["images_per_second"] > 0 for r in found)
    assert all(loader.closed for loader in made)


def test_the_network_is_measured_compiled_and_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[bool] = []

    def succeed(*_: Any) -> str:
        tried.append(True)
        return ""

    monkeypatch.setattr(tuning, "compile_where_it_works", succeed)
    monkeypatch.setattr(tuning, "step_seconds", lambda trainer, batch, *_: 0.5 if tried else 1.0)
    told: list[dict[str, Any]] = []
    rows, why = compiled(make_trainer(), lambda *_: None, lambda: False, told.append)
    assert [(r["training.compile"], r["seconds"]) for r in rows] == [(False, 1.0), (True, 0.5)] and why == ""
    assert told == rows and rows[0]["compile_seconds"] == 0.0 < rows[1]["compile_seconds"]
    assert rows[1]["images_per_second"] == 2 * rows[0]["images_per_second"]

    monkeypatch.setattr(tuning, "compile_where_it_works", lambda *_: "no compiler")
    rows, why = compiled(make_trainer(), lambda *_: None, lambda: False)
    assert len(rows) == 1 and why == "no compiler"
    assert compiled(make_trainer(), lambda *_: None, lambda: True) == ([], "")


def test_each_row_is_told_as_soon_as_it_is_known() -> None:
    told: list[dict[str, Any]] = []
    found = batch_sizes(make_trainer(), 4, lambda *_: None, lambda: False, told.append)
    assert told == found["curve"] and told
