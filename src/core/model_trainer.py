"""`ModelTrainer`: the one loop for a model, loaders and a criterion of your own. Its public face in Python.

>>> trainer = ModelTrainer(model, train_loader, val_loader, criterion, optimizer, device="cpu")
>>> history = trainer.train(num_epochs=20, checkpoint_dir="checkpoints", early_stopping_patience=5)
>>> history["best_val_metric"]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from src.core.config.training import ScheduleConfig
from src.core.dataset.masks import IGNORE_INDEX
from src.core.engine.callbacks import Callback
from src.core.engine.checkpoint import encode_state, is_safetensors, load_into, read_state, read_weights
from src.core.engine.criterion_task import AnyLoader, CriterionTask
from src.core.engine.device import choose_device, choose_precision
from src.core.engine.optim import Schedule
from src.core.engine.state import EpochSums
from src.core.engine.trainer import LoopOptions, Trainer
from src.core.run.checkpoints import write_verified


class _FileSaver(Callback):
    """Keeps ``best.safetensors`` (weights) and ``last.safetensors`` (everything) in a folder."""

    def __init__(
        self, folder: Path, save: Callable[[Path], None], save_weights: Callable[[Path], None]
    ) -> None:
        self._folder, self._save, self._save_weights = folder, save, save_weights

    def on_new_best(self, trainer: Trainer) -> None:
        self._save_weights(self._folder / "best.safetensors")

    def on_save(self, trainer: Trainer, reason: str) -> None:
        self._save(self._folder / "last.safetensors")


class ModelTrainer:
    """Trains any model with any loaders and criterion; the loop is the same as everywhere in Lathe.

    Args:
        model: Takes images N×C×H×W, gives logits N×K×H×W.
        train_loader, val_loader: Sized iterables of mappings with ``image`` and ``mask``, or of pairs.
        criterion: ``criterion(logits, mask)``, a scalar to be lowered.
        optimizer: Over the model's parameters.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps`` or a torch device.
        scheduler: A `ScheduleConfig`; the learning rate stays constant without one.
        metric: Validation value of the best model: iou, dice, accuracy, precision, recall, f1.
        precision, clip_norm, accumulate, ema_decay, seed: As in the configuration.

    Attributes:
        history: Lists by name, one value an epoch; see `train`.
    """

    def __init__(
        self,
        model: nn.Module,
        train_loader: Iterable[Any],
        val_loader: Iterable[Any] | None,
        criterion: Callable[[Tensor, Tensor], Tensor],
        optimizer: Optimizer,
        device: str | torch.device = "auto",
        *,
        scheduler: ScheduleConfig | None = None,
        metric: str = "iou",
        precision: str = "auto",
        clip_norm: float = 0.0,
        accumulate: int = 1,
        ema_decay: float = 0.0,
        seed: int = 0,
        ignore_index: int = IGNORE_INDEX,
        callbacks: Iterable[Callback] = (),
    ) -> None:
        self.device = choose_device(str(device))
        self.model = model.to(self.device)
        self.optimizer = optimizer
        if isinstance(criterion, nn.Module):
            criterion.to(self.device)
        self._task = CriterionTask(self.model, criterion, metric, ignore_index)
        self._loaders = (AnyLoader(train_loader), AnyLoader(val_loader) if val_loader is not None else None)
        self._schedule = scheduler or ScheduleConfig(name="constant", warmup_epochs=0)
        self._options: dict[str, Any] = {
            "clip_norm": clip_norm, "accumulate": accumulate, "ema_decay": ema_decay, "seed": seed,
        }  # fmt: skip
        self._precision = choose_precision(precision, self.device)
        self._callbacks = list(callbacks)
        self._trainer = self._make(epochs=1, patience=0, callbacks=self._callbacks)

    def _make(self, epochs: int, patience: int, callbacks: list[Callback]) -> Trainer:
        options = LoopOptions(epochs=epochs, patience=patience, **self._options)
        updates = -(-len(self._loaders[0]) // options.accumulate)
        schedule = Schedule(self._schedule, self.optimizer, updates, epochs)
        return Trainer(
            self._task,
            self.model,
            self.optimizer,
            schedule,
            self._loaders,
            options,
            self.device,
            self._precision,
            callbacks,
        )

    def train_epoch(self) -> float:
        """One epoch of training; returns its mean loss."""
        trainer = self._trainer
        trainer.begin_epoch()
        trainer.train_epoch()
        loss = trainer.state.sums.mean()
        trainer.state.epoch, trainer.state.step, trainer.state.sums = trainer.state.epoch + 1, 0, EpochSums()
        return loss

    def validate(self) -> tuple[float, dict[str, float]]:
        """Mean validation loss, and the metrics by name (pooled over all pixels).

        Raises:
            ValueError: There is no validation loader.
        """
        if self._loaders[1] is None:
            raise ValueError("There is nothing to validate on: ModelTrainer was made without a val_loader.")
        found = self._trainer.validate()
        assert found is not None
        return found[0], found[1]

    def train(
        self,
        num_epochs: int,
        checkpoint_dir: str | Path | None = None,
        early_stopping_patience: int | None = None,
        start_epoch: int = 0,
    ) -> dict[str, Any]:
        """Train to the end of epoch ``num_epochs``.

        Args:
            num_epochs: Total, also where some are done.
            checkpoint_dir: Gets ``best.safetensors`` and ``last.safetensors``; None saves nothing.
            early_stopping_patience: Epochs without a better metric before the end; None or 0 never.
            start_epoch: Epochs that count as done (0 starts at the first; after `load_checkpoint` it need not be given).

        Returns:
            Lists by name, one value an epoch (``train_loss``, ``val_loss``, ``learning_rate``, each metric as
            ``val_iou``, …), and ``best_val_metric``, ``best_epoch``, ``epochs``, ``status``.
        """
        before = self._trainer
        callbacks = list(self._callbacks)
        if checkpoint_dir is not None:
            folder = Path(checkpoint_dir)
            folder.mkdir(parents=True, exist_ok=True)
            callbacks.append(_FileSaver(folder, self.save_checkpoint, self._save_weights))
        for group in self.optimizer.param_groups:  # a schedule that was applied must not become the new base
            group["lr"] = group.get("initial_lr", group["lr"])
            group["initial_lr"] = group["lr"]
        self._trainer = self._make(num_epochs, early_stopping_patience or 0, callbacks)
        self._trainer.state, self._trainer.average = before.state, before.average
        self._trainer.schedule.restore(before.schedule.state())
        self._trainer.state.epoch = max(self._trainer.state.epoch, start_epoch + 1)
        outcome = self._trainer.fit()
        return {**self.history, "status": outcome.status}

    @property
    def history(self) -> dict[str, Any]:
        """What `train` returns, as far as it got."""
        state = self._trainer.state
        entries = state.history
        lists: dict[str, Any] = {
            "train_loss": [e["train_loss"] for e in entries],
            "val_loss": [e["val_loss"] for e in entries],
            "learning_rate": [e["lr"] for e in entries],
        }
        for name in entries[0]["metrics"] if entries else ():
            lists[f"val_{name}"] = [e["metrics"].get(name) for e in entries]
        return {
            **lists,
            "best_val_metric": state.best_value,
            "best_epoch": state.best_epoch,
            "epochs": len(entries),
        }

    def save_checkpoint(self, path: str | Path) -> None:
        """Everything that `load_checkpoint` needs to go on, whatever the suffix (safetensors, no pickle)."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_verified(Path(path), encode_state(*self._trainer.snapshot()))

    def _save_weights(self, path: Path) -> None:
        write_verified(path, encode_state({"model": self.model.state_dict()}, {"facts": self._task.facts()}))

    def load_checkpoint(self, path: str | Path) -> int:
        """Go on from a file.

        A checkpoint of `save_checkpoint` brings back everything; any other file of weights (``.pth``, ``.safetensors``)
        is read as weights only.

        Returns:
            Epochs done.

        Raises:
            CheckpointError: Missing, damaged, holds code, or does not fit the model.
        """
        path = Path(path)
        if path.is_file() and is_safetensors(path):
            state, header = self._read_own(path)
            if "optimizer" in state:
                load_into(self.model, state["model"], path.name)
                self._trainer.restore(state, header)
                return self._trainer.state.epoch - 1
        weights, _ = read_weights(path)
        load_into(self.model, weights, path.name)
        return 0

    def _read_own(self, path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
        from src.core.engine.checkpoint import CheckpointError

        try:
            return read_state(path)
        except CheckpointError:
            return {}, {}
