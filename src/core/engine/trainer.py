"""The one training loop. It knows tasks, not problems; options, not subclasses."""

from __future__ import annotations

import contextlib
import itertools
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from src.core.engine.average import EpochAverage, WeightAverage
from src.core.engine.callbacks import Callback, CallbackList, Outcome, Report
from src.core.engine.device import Precision, mix_seed, set_random_state
from src.core.engine.devices.group import ALONE, Group
from src.core.engine.ending import stopped, verdict
from src.core.engine.explain import explain
from src.core.engine.guard import Guard
from src.core.engine.optim import Schedule
from src.core.engine.options import LoopOptions
from src.core.engine.pending import NonFiniteLossError, PendingLosses
from src.core.engine.snapshot import restore_snapshot, take_snapshot
from src.core.engine.state import EpochSums, TrainState
from src.core.engine.task import Batch, Loader, Task
from src.core.engine.update import Update

#: Seconds between two read-backs of the losses: 20 reports a second at most.
REPORT_EVERY_S = 0.05


class Trainer:
    """Trains a model on a task.

    Attributes:
        state: Position and history; see `TrainState`.
        task, model, optimizer, schedule, device: What it was made of.
        scaler: Of the gradients in fp16; does nothing otherwise.
        autocast: Context of the forward pass.
        update, guard: Compute one update; pass over those that are no numbers.
        pending_random: State of the random numbers for the middle of an epoch at which a resumed run begins.
        average: Running average of the weights, or None; ``swa``: mean over the epochs' ends, or None.
        report_every: Seconds between two reports.
        recover: Reads the last checkpoint, as `snapshot` gave it; None where there is none.
        group: The devices that train together; see `src.core.engine.devices`.
        clock, command: Seconds, and what is asked at each report (``stop``, ``pause``, ``finish_epoch`` or None): both are
            the same on all devices, so that whatever is decided by them is decided alike.
    """

    def __init__(
        self,
        task: Task,
        model: nn.Module,
        optimizer: Optimizer,
        schedule: Schedule,
        loaders: tuple[Loader, Loader | None],
        options: LoopOptions,
        device: torch.device,
        precision: Precision,
        callbacks: Sequence[Callback] = (),
        command: Callable[[], str | None] = lambda: None,
        group: Group = ALONE,
    ) -> None:
        self.task, self.model, self.optimizer, self.schedule = task, model, optimizer, schedule
        self.train_loader, self.val_loader = loaders
        self.options, self.device, self.precision = options, device, precision
        self.callbacks = CallbackList(callbacks)
        self.group, self.clock, self.command = group, group.clock, group.commands(command)
        self.recover: Callable[[], tuple[dict[str, Any], dict[str, Any]] | None] = lambda: None
        self.report_every = REPORT_EVERY_S
        self.state = TrainState()
        self.average = WeightAverage(model, options.ema_decay) if options.ema_decay else None
        self.swa = EpochAverage(model, options.swa_from) if options.swa_from else None
        self.metric, self.maximise = (
            (task.metric, task.maximise) if self.val_loader else ("train_loss", False)
        )
        self.scaler = torch.amp.GradScaler(device.type, enabled=precision.scaled)
        self.autocast = precision.context(device)
        self.update, self.guard = Update(self), Guard(self, options.skip_limit)
        self._next_save = math.inf
        self.pending_random: dict[str, Tensor] | None = None
        self._waited, self._trained_samples, self._epoch_began = 0.0, 0, time.perf_counter()

    def fit(self) -> Outcome:
        """Train from the present position to the end of the last epoch, or until something ends it earlier.

        Raises:
            Exception: Whatever the computation raised, after ``on_run_end`` was told.
        """
        outcome: Outcome | None = None
        try:
            self.callbacks("on_run_start", self)
            while outcome is None and self.state.epoch <= self.options.epochs:
                try:
                    outcome = self.run_epoch()
                except NonFiniteLossError as error:
                    if not self.guard.roll_back(error):
                        raise
            outcome = outcome or Outcome("completed")
        except BaseException as error:
            self.callbacks("on_run_end", self, explain(error, self.task, self.device))
            raise
        finally:
            self.close()
        self.callbacks("on_run_end", self, outcome)
        return outcome

    def run_epoch(self) -> Outcome | None:
        """One epoch: train, validate, judge, save; returns how the run ended, or None where it goes on."""
        state, began = self.state, time.perf_counter()
        self.begin_epoch()
        trained = self.train_epoch()
        train_seconds = time.perf_counter() - began
        if trained:
            self._average_epoch()
        validated = self.validate() if trained else None
        if validated is None:
            return self._interrupt()
        val_loss, metrics, per_class = validated
        value = metrics.get(self.metric, math.nan) if self.val_loader else state.sums.mean()
        is_best = state.judge(value, self.maximise, self.options.min_delta)
        entry = {
            "epoch": state.epoch,
            "train_loss": state.sums.mean(),
            "val_loss": val_loss,
            "metrics": metrics,
            "per_class": per_class,
            "terms": state.sums.term_means(),
            "lr": self.schedule.rate,
            "seconds": {
                "train": train_seconds,
                "validation": time.perf_counter() - began - train_seconds,
                "wait": self._waited,
            },
            "images_per_second": self._trained_samples / train_seconds if train_seconds else 0.0,
            "wait_share": self._waited / train_seconds if train_seconds else 0.0,
            "is_best": is_best,
            "best_value": state.best_value,
            "best_epoch": state.best_epoch,
        }
        state.history.append(entry)
        self.schedule.end_epoch(val_loss if self.val_loader else state.sums.mean())
        self.callbacks("on_epoch_end", self, entry)
        if is_best:
            with self.averaged():
                self.callbacks("on_new_best", self)
        state.epoch, state.step, state.sums = state.epoch + 1, 0, EpochSums()
        self.callbacks("on_save", self, "epoch")
        return verdict(self)

    def train_epoch(self) -> bool:
        """Train on the rest of the epoch; False where a command interrupted it (at a step from which it can go on)."""
        state, task, model, loader = self.state, self.task, self.model, self.train_loader
        accumulate, batches = self.options.accumulate, len(loader)
        pending = PendingLosses(task, "train", state.epoch)
        model.train()
        due = 0.0
        window: list[Batch] = []
        asked = time.perf_counter()
        for number, batch in enumerate(loader.epoch(state.epoch, state.step), state.step + 1):
            self._waited += time.perf_counter() - asked
            window.append(batch)
            if number % accumulate == 0 or number == batches:
                outputs, finite = self.update(window)
                for place, (one, output) in enumerate(
                    zip(window, outputs, strict=True), number - len(window) + 1
                ):
                    pending.add(place, self.group.index(one), output, finite)
                    if one.get("unreadable"):
                        self._warn_unreadable(one["unreadable"])
                window, state.step = [], number
                self._after_update()
                now = self.clock()
                if now >= due or number == batches:
                    due = now + self.report_every
                    self._report(pending, "train", number, batches)
                    if self._interrupted():
                        return False
                    if now >= self._next_save and number < batches:
                        self.callbacks("on_save", self, "time")
                        self._next_save = self.clock() + self.options.save_every_s
            asked = time.perf_counter()
        return True

    def validate(self) -> tuple[float, dict[str, float], dict[str, dict[str, float]]] | None:
        """Validation loss, metrics and metrics per class with the averaged weights; None where a command interrupted it."""
        if self.val_loader is None:
            return math.nan, {}, {}
        pending, sums = PendingLosses(self.task, "val", self.state.epoch), EpochSums()
        metrics = self.task.new_metrics(self.device)
        self.model.eval()
        due, batches = 0.0, len(self.val_loader)
        with torch.no_grad(), self.averaged():
            self.group.same_buffers(self.model)
            for number, batch in enumerate(self.val_loader.epoch(1), 1):
                counts = self.group.attend(batch)
                prepared = self.task.prepare(batch, self.device)
                with self.autocast:
                    output = self.task.evaluation_step(self.model, prepared)
                assert output.prediction is not None
                if counts:
                    metrics.update(output.prediction, prepared)
                output = self.group.mean(output, batch)
                pending.add(number, self.group.index(batch), output)
                now = self.clock()
                if now >= due or number == batches:
                    due = now + self.report_every
                    self._report(pending, "val", number, batches, sums)
                    if self._interrupted():
                        return None
        scalars, per_class = self.group.gather(metrics, lambda: self.task.new_metrics(self.device)).summary()
        return sums.mean(), scalars, per_class

    def begin_epoch(self) -> None:
        """Set the randomness of the epoch under way and tell task and callbacks."""
        torch.manual_seed(mix_seed(self.options.seed, self.state.epoch))
        if self.pending_random is not None:  # resumed in the middle of this epoch
            set_random_state(self.pending_random, self.device)
            self.pending_random = None
        self.task.begin_epoch(self.model, self.state.epoch)
        self.guard.begin()
        self._waited, self._trained_samples, self._epoch_began = 0.0, 0, time.perf_counter()
        if self.options.save_every_s:
            self._next_save = self.clock() + self.options.save_every_s
        self.callbacks("on_epoch_start", self)

    def _average_epoch(self) -> None:
        """Enter the weights of the epoch's end into the mean over epochs, where there is one."""
        if self.swa is not None:

            def forward(batch: Batch) -> None:
                self.group.attend(batch)
                with self.autocast:
                    self.task.evaluation_step(self.model, self.task.prepare(batch, self.device))

            batches = itertools.islice(self.train_loader.epoch(self.state.epoch), self.options.norm_batches)
            self.swa.end_epoch(self.state.epoch, batches, forward)

    def _after_update(self) -> None:
        self.schedule.step()
        if self.average is not None:
            self.average.update()
        self.state.updates += 1
        for listener in self.callbacks.on_update:
            listener(self)

    def _report(
        self, pending: PendingLosses, phase: str, number: int, batches: int, sums: EpochSums | None = None
    ) -> None:
        loss, terms, samples = pending.read_back(self.state.sums if sums is None else sums)
        if pending.bad and phase == "val":
            raise pending.bad[0]
        if pending.bad:
            self.guard.pass_over(pending.bad)
        elif phase == "train":
            self.guard.keep()
            self.update.watched = bool(self.callbacks.on_gradients)
        self._trained_samples += samples if phase == "train" else 0
        elapsed = time.perf_counter() - self._epoch_began
        rate = self._trained_samples / elapsed if phase == "train" and elapsed > 0 else 0.0
        report = Report(self.state.epoch, phase, number, batches, loss, terms, self.schedule.rate, rate)
        self.callbacks("on_report", self, report)

    def _warn_unreadable(self, found: list[tuple[str, str]]) -> None:
        for path, reason in found:
            self.callbacks(
                "on_warning", self, "unreadable", f"{path} cannot be read ({reason}); the run goes on without it.",
                "Repair or remove the file.", [path],
            )  # fmt: skip

    def _interrupted(self) -> bool:
        return self.command() in ("stop", "pause")

    def _interrupt(self) -> Outcome:
        self.callbacks("on_save", self, "stop")
        return stopped(str(self.command()))

    @property
    def wait_share(self) -> float:
        """Share of the epoch's time so far that the loop waited for data."""
        elapsed = time.perf_counter() - self._epoch_began
        return self._waited / elapsed if elapsed > 0 else 0.0

    def averaged(self) -> contextlib.AbstractContextManager[None]:
        """Inside the block the model has the weights that are validated and kept."""
        if self.swa is not None and self.swa.begun:
            return self.swa.applied()
        return self.average.applied() if self.average is not None else contextlib.nullcontext()

    def snapshot(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """All that `restore` needs: nested state with tensors, and plain values."""
        self.group.lead("snapshot")
        return take_snapshot(self)

    def weights(self) -> dict[str, Tensor]:
        """Weights and buffers of the model by name, whole."""
        self.group.lead("weights")
        return self.group.full(self.model.state_dict())

    def restore(self, state: dict[str, Any], header: dict[str, Any]) -> None:
        """Go on from a `snapshot`; the model's weights must fit (see `load_into`)."""
        restore_snapshot(self, state, header)

    def close(self) -> None:
        """End the loaders' workers; safe to call twice."""
        self.train_loader.close()
        if self.val_loader is not None:
            self.val_loader.close()
