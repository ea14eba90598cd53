"""Files of metrics, growing images, first batches, the profile, and a network that cannot be compiled."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from src.core.config import RunConfig
from src.core.config.extras import DebugConfig, ResizingConfig
from src.core.engine import compiling
from src.core.engine.callbacks import Callback
from src.core.engine.compiling import compile_where_it_works
from src.core.engine.debugging import FirstBatches, ProfilerTrace, shortened
from src.core.engine.metrics_files import MetricsFiles
from src.core.engine.resizing import ProgressiveResizing
from src.core.engine.trainer import Trainer
from tests.toy import ToyLoader, make_trainer


class Warned(Callback):
    def __init__(self) -> None:
        self.codes: list[str] = []

    def on_warning(self, trainer: Trainer, code: str, *rest: Any) -> None:
        self.codes.append(code)


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def test_each_epoch_is_a_row_and_a_line(tmp_path: Path) -> None:
    trainer = make_trainer(epochs=3, callbacks=(MetricsFiles(tmp_path),))
    trainer.fit()
    rows, history = rows_of(tmp_path), trainer.state.history
    assert [r["epoch"] for r in rows] == ["1", "2", "3"]
    assert [float(r["val_closeness"]) for r in rows] == [e["metrics"]["closeness"] for e in history]
    assert {"train_loss", "val_loss", "lr", "train_square", "seconds_train", "seconds_wait"} <= rows[0].keys()
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text("utf-8").splitlines()]
    assert [e["train_loss"] for e in lines] == [e["train_loss"] for e in history]


def test_no_number_is_an_empty_cell_and_null(tmp_path: Path) -> None:
    make_trainer(epochs=1, no_val=True, callbacks=(MetricsFiles(tmp_path),)).fit()
    assert rows_of(tmp_path)[0]["val_loss"] == ""
    assert json.loads((tmp_path / "metrics.jsonl").read_text("utf-8"))["val_loss"] is None


def test_what_an_attempt_did_in_vain_is_not_in_them(tmp_path: Path) -> None:
    make_trainer(epochs=4, callbacks=(MetricsFiles(tmp_path),)).fit()
    trainer = make_trainer(epochs=3, callbacks=(MetricsFiles(tmp_path),))
    before = make_trainer(epochs=2)
    before.fit()
    trainer.restore(*before.snapshot())
    trainer.fit()
    assert [r["epoch"] for r in rows_of(tmp_path)] == ["1", "2", "3"]
    assert len((tmp_path / "metrics.jsonl").read_text("utf-8").splitlines()) == 3


def test_a_value_that_comes_later_gets_a_column(tmp_path: Path) -> None:
    class Adds(Callback):
        def on_epoch_end(self, trainer: Trainer, entry: dict[str, Any]) -> None:
            if entry["epoch"] == 2:
                entry["metrics"]["late"] = 1.5

    make_trainer(epochs=3, callbacks=(Adds(), MetricsFiles(tmp_path))).fit()
    assert [r["val_late"] for r in rows_of(tmp_path)] == ["", "1.5", ""]


def test_files_that_cannot_be_written_cost_one_warning(tmp_path: Path) -> None:
    warned = Warned()
    trainer = make_trainer(epochs=3, callbacks=(MetricsFiles(tmp_path / "nowhere"), warned))
    assert trainer.fit().status == "completed"
    assert warned.codes == ["metrics-files"]


@pytest.mark.parametrize("epochs", [1, 2, 5, 30])
def test_images_grow_to_the_full_size_and_stay_there(epochs: int) -> None:
    config = ResizingConfig(start=0.5, steps=3, until=0.6)
    sizes = [config.size_at(e, epochs, 256) for e in range(1, epochs + 1)]
    assert sizes == sorted(sizes) and sizes[-1] == 256
    assert set(sizes) <= {128, 192, 256}
    assert epochs < 5 or {128, 256} <= set(sizes)
    assert [ResizingConfig().size_at(e, epochs, 250) for e in range(1, epochs + 1)] == [250] * epochs


def test_each_size_has_its_epochs() -> None:
    config = ResizingConfig(start=0.5, steps=3, until=0.6)
    assert [config.size_at(e, 10, 256) for e in range(1, 11)] == [128] * 3 + [192] * 3 + [256] * 4
    assert ResizingConfig(start=0.01).size_at(1, 10, 48) == 32


def test_the_loader_of_an_epoch_is_that_of_its_size_also_after_a_restart() -> None:
    config = ResizingConfig(start=0.5, steps=2, until=0.5)
    made: list[int] = []

    def make(size: int) -> ToyLoader:
        made.append(size)
        return ToyLoader()

    trainer = make_trainer(epochs=4, callbacks=(ProgressiveResizing(config, 4, 64, make),))
    first = trainer.train_loader
    trainer.fit()
    assert made == [32, 64] and first.closed  # type: ignore[attr-defined]
    made.clear()
    again = make_trainer(epochs=4, callbacks=(ProgressiveResizing(config, 4, 64, make),))
    again.state.epoch, again.state.step = 2, 3
    again.fit()
    assert made == [32, 64]
    assert again.train_loader.read[0] == (3, 0)  # type: ignore[attr-defined]


def test_the_first_batches_of_every_epoch_or_of_the_first() -> None:
    loader = ToyLoader(6)
    assert len(FirstBatches(loader, 2)) == 2 and len(FirstBatches(loader, 20)) == 6
    list(FirstBatches(loader, 3).epoch(4, 1))
    assert loader.read[:2] == [(4, 1), (4, 2)]
    loader.read.clear()
    list(FirstBatches(loader, 2, same=True).epoch(9))
    assert loader.read[:2] == [(1, 0), (1, 1)]


def test_learning_by_heart_brings_the_loss_down_and_a_quick_trial_is_short() -> None:
    train, val = shortened(DebugConfig(overfit_batches=1), (ToyLoader(), ToyLoader(2)))
    config = RunConfig()
    config.training.optimizer.learning_rate = 0.05
    trainer = make_trainer(epochs=60, train=train, val=val, config=config)  # type: ignore[arg-type]
    trainer.fit()
    losses = [e["train_loss"] for e in trainer.state.history]
    assert trainer.state.updates == 60 and losses[-1] < 0.3 * losses[0]
    train, val = shortened(DebugConfig(fast=True), (ToyLoader(9), ToyLoader(9)))
    assert len(train) == 4 and val is not None and len(val) == 2


def test_a_profile_is_a_trace_and_a_table(tmp_path: Path) -> None:
    make_trainer(epochs=3, callbacks=(ProfilerTrace(tmp_path / "profile", 4),)).fit()
    trace = json.loads((tmp_path / "profile" / "trace.json").read_text("utf-8"))
    assert any("AddmmBackward" in str(e.get("name")) for e in trace["traceEvents"])
    assert "Self CPU" in (tmp_path / "profile" / "slowest.txt").read_text("utf-8")


def test_a_run_too_short_to_profile_says_so(tmp_path: Path) -> None:
    warned = Warned()
    make_trainer(
        epochs=1, train=ToyLoader(2), callbacks=(ProfilerTrace(tmp_path / "profile", 4), warned)
    ).fit()
    assert warned.codes == ["profile"] and not (tmp_path / "profile").exists()


def test_a_network_that_cannot_be_compiled_stays_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(forward: Any) -> Any:
        def run(*args: Any) -> Any:
            forward(*args)
            raise RuntimeError("no C++ compiler\nand more")

        return run

    monkeypatch.setattr(compiling.torch, "compile", broken)
    trainer = make_trainer(epochs=2)
    batch = next(iter(ToyLoader().epoch(1)))
    random = torch.get_rng_state()
    said = compile_where_it_works(trainer.task, trainer.model, batch, trainer.device, trainer.precision)
    assert said == "RuntimeError: no C++ compiler"
    assert torch.equal(torch.get_rng_state(), random)
    trainer.fit()
    plain = make_trainer(epochs=2)
    plain.fit()
    for name, value in plain.model.state_dict().items():
        assert torch.equal(trainer.model.state_dict()[name], value)
    assert not math.isnan(trainer.state.history[-1]["train_loss"])
