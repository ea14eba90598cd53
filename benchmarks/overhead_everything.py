"""What a step costs with every callback on and a tracker recording, beside a loop by hand and Lightning's trainer.

The operations of the step are those of `trainer_overhead.py`. "Everything": event log, metrics files, gradient monitor, resource
samples, running average of the weights, early stopping, a profile of none, and TensorBoard in its follower process where it is
installed. Lightning, where ``pip install lightning`` was done in some environment, gets clipping, the schedule, a running average of
the weights, a learning-rate monitor, early stopping, and its TensorBoard or CSV logger at every step, as far as it has them.

The running average is counted as a cost of "everything", though it is work that the loop by hand does not do.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import logging
import platform
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.trainer_overhead import RESULTS, Line, Memory, by_hand, loss_of
from src.core.config.training import RunConfig, ScheduleConfig
from src.core.engine.callbacks import Callback
from src.core.engine.device import choose_precision
from src.core.engine.gradients import GradientMonitor
from src.core.engine.metrics_files import MetricsFiles
from src.core.engine.optim import Schedule, build_optimizer
from src.core.engine.recorder import EventRecorder, ResourceSampler
from src.core.engine.tracking import TrackerFollowers
from src.core.engine.trainer import LoopOptions, Trainer
from src.core.run import EventWriter, RunFolder

#: µs a step over the loop by hand that the design allows.
ALLOWED = 60.0


def with_everything(config: RunConfig, steps: int, clip: float) -> float:
    """Seconds a step of Lathe's loop in a run folder of its own, with all that a run can have."""
    with tempfile.TemporaryDirectory() as place:
        folder = RunFolder(Path(place) / "run")
        folder.path.mkdir()
        folder.config.write_text("monitoring:\n  trackers:\n    tensorboard: true\n", "utf-8")
        writer = EventWriter(folder.events)
        listeners: list[Callback] = [
            EventRecorder(writer), MetricsFiles(folder.path), ResourceSampler(writer, 0.5), GradientMonitor(writer),
        ]  # fmt: skip
        if importlib.util.find_spec("tensorboard"):
            listeners.append(TrackerFollowers(folder, writer, ["tensorboard"]))
        task, device = Line(config, None), torch.device("cpu")
        model = task.build_model()
        optimizer = build_optimizer(
            config.training.optimizer, task.parameter_groups(model, config.training.optimizer), device
        )
        options = LoopOptions(epochs=1, clip_norm=clip, ema_decay=0.99, swa_from=1, patience=5, skip_limit=10)
        trainer = Trainer(
            task, model, optimizer, Schedule(config.training.schedule, optimizer, steps, 1), (Memory(steps), None), options,
            device, choose_precision("fp32", device), listeners,
        )  # fmt: skip
        clock = _Clock(trainer, folder.path / "tracking" / "tensorboard.said")
        trainer.train_epoch = clock.train_epoch  # type: ignore[method-assign]
        trainer.fit()
        writer.write("run_ended", status="completed", cause="", cure="")
        writer.close()
        time.sleep(1.0)  # the follower writes the rest and ends, before its folder goes
        return clock.seconds / steps


class _Clock:
    """Takes the time of the training part of an epoch, once the follower has started: that is once a run, not once a step."""

    def __init__(self, trainer: Trainer, said: Path) -> None:
        self._real, self._said, self.seconds = trainer.train_epoch, said, 0.0

    def train_epoch(self) -> bool:
        deadline = time.monotonic() + 20
        while (
            importlib.util.find_spec("tensorboard")
            and not self._said.exists()
            and time.monotonic() < deadline
        ):
            time.sleep(0.05)
        began = time.perf_counter()
        whole = self._real()
        self.seconds += time.perf_counter() - began
        return whole


def by_lightning(config: RunConfig, steps: int, clip: float) -> float:
    """Seconds a step of Lightning's trainer with the same features, as far as it has them."""
    import lightning
    from lightning.pytorch import callbacks, loggers

    warnings.filterwarnings("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = Line(config, None).build_model()

        def training_step(self, batch: Any, number: int) -> torch.Tensor:
            loss = loss_of(self.net, batch)
            self.log("train_loss", loss, on_step=True, on_epoch=True)
            return loss

        def configure_optimizers(self) -> Any:
            groups = Line(config, None).parameter_groups(self.net, config.training.optimizer)
            optimizer = build_optimizer(config.training.optimizer, groups, torch.device("cpu"))
            factor = Schedule(config.training.schedule, optimizer, steps, 1).factor
            schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    class Data(torch.utils.data.IterableDataset[Any]):
        def __iter__(self) -> Any:
            return Memory(steps).epoch(1)

    class Clock(callbacks.Callback):
        began = seconds = 0.0

        def on_train_epoch_start(self, *_: Any) -> None:
            self.began = time.perf_counter()

        def on_train_epoch_end(self, *_: Any) -> None:
            self.seconds = time.perf_counter() - self.began

    with tempfile.TemporaryDirectory() as place:
        clock = Clock()
        listeners: list[Any] = [
            clock,
            callbacks.LearningRateMonitor("step"),
            callbacks.EarlyStopping("train_loss", patience=5, check_on_train_epoch_end=True),
        ]
        if hasattr(callbacks, "EMAWeightAveraging"):
            listeners.append(callbacks.EMAWeightAveraging(decay=0.99))
        kind = loggers.TensorBoardLogger if importlib.util.find_spec("tensorboard") else loggers.CSVLogger
        trainer = lightning.Trainer(
            max_epochs=1, accelerator="cpu", devices=1, gradient_clip_val=clip, callbacks=listeners, logger=kind(place),
            enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False, log_every_n_steps=1,
            detect_anomaly=False,
        )  # fmt: skip
        module: nn.Module = Module()
        trainer.fit(module, torch.utils.data.DataLoader(Data(), batch_size=None))
        return clock.seconds / steps


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config = RunConfig()
    config.training.schedule = ScheduleConfig(name="cosine")
    other = by_lightning if importlib.util.find_spec("lightning") else None
    rows: list[list[float]] = []
    for turn in range(arguments.rounds + 1):
        ways = [by_hand, with_everything, *([other] if other else [])]
        row = [way(config, arguments.steps, 1.0) * 1e6 for way in ways]
        if turn:  # the first warms up
            rows.append(row)
    RESULTS.mkdir(exist_ok=True)
    name = f"overhead_everything_{platform.machine()}-cpu_fp32_torch{torch.__version__.split('+')[0]}.csv"
    with (RESULTS / name).open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["hand_us", "everything_us", *(["lightning_us"] if other else [])])
        writer.writerows([[f"{v:.3f}" for v in row] for row in rows])
    hand = statistics.median(row[0] for row in rows)
    over = statistics.median(row[1] - row[0] for row in rows)
    print(f"by hand {hand:.1f} µs a step; with every callback on and a tracker recording {over:+.1f} µs")
    if other:
        beside = statistics.median(row[2] - row[0] for row in rows)
        print(f"Lightning's trainer with the same features {beside:+.1f} µs")
    else:
        print("Lightning is not installed here: run this in an environment that has it, to compare.")
    print(f"allowed: {ALLOWED:.0f} µs. {'Met.' if over <= ALLOWED else 'NOT met.'}  {RESULTS / name}")


if __name__ == "__main__":
    main()
