"""Bearing-fault diagnosis for the engine: windows of recordings, network, loss, metrics, previews, baselines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from src.core.dataset.contract import Split
from src.core.engine.task import Batch, Loader, Metrics, PreviewItem, StepOutput, Task
from src.core.run.model_source import ModelSource
from src.models.mixing import Mixing
from src.models.signal_branches import Answer, BranchModel
from src.models.signal_metrics import SignalMetrics
from src.tasks.bearing.adversarial import Attack
from src.tasks.bearing.augmentation_config import RegularisationConfig
from src.tasks.bearing.augmenting import Augmenter
from src.tasks.bearing.config import BearingConfig
from src.tasks.bearing.described import RecordingDescription
from src.tasks.bearing.inputs import InputMaker
from src.tasks.bearing.loaded import load_teacher
from src.tasks.bearing.loader import WindowLoader
from src.tasks.bearing.mixed import INPUT
from src.tasks.bearing.networks import BearingLoss, build_network
from src.tasks.bearing.previews import preview_item
from src.tasks.bearing.shapes import geometry, rolling
from src.tasks.bearing.window_set import WindowSet
from src.tasks.bearing.windows import WindowIndex, WindowShape

#: Successive windows of a recording that stay together where the loss looks at their order.
_RUN = 4


class BearingTask(Task):
    """Each window gets a class, or several; a recording the mean of its windows."""

    config: BearingConfig
    data: RecordingDescription

    def __init__(self, config: BearingConfig, data: RecordingDescription) -> None:
        super().__init__(config, data)
        self.metric = config.monitoring.best_metric
        self.class_names = list(data.class_names)
        self.several = config.data.several_faults
        self.exclusive = not self.several
        self.shape = WindowShape(*data.window)
        self.bearing = rolling(geometry(config.data.bearing, data.bearing_model))
        orders = None if self.bearing is None else self.bearing.defect_orders()
        self.maker = InputMaker(config.inputs, self._rate(), orders)
        self._attack = Attack.of(config.training.regularisation, config.training.seed)
        self._epoch = 1
        self._losses: dict[bool, BearingLoss] = {}
        self._indices: dict[Split, WindowIndex] = {}
        self.conditions = self._conditions()

    def _rate(self) -> float:
        """Hz of every window: after conversion, or the one that all recordings have."""
        if self.shape.rate > 0:
            return self.shape.rate
        return max((r.rate for r in self.data.all_samples), default=0.0) or 1.0

    def _conditions(self) -> dict[str, int]:
        """Number of each recording's operating condition, by its id: load and speed to 5 %; -1 where neither is known."""
        found: dict[tuple[str, int], int] = {}
        numbers: dict[str, int] = {}
        for recording in sorted(self.data.all_samples, key=lambda r: r.id):
            if not recording.load and not recording.speed > 0:
                numbers[recording.id] = -1
                continue
            speed = round(np.log(recording.speed) / np.log(1.05)) if recording.speed > 0 else 0
            numbers[recording.id] = found.setdefault((recording.load, speed), len(found))
        return numbers

    def windows(self, split: Split) -> WindowIndex:
        """The windows of a part of the data."""
        if split not in self._indices:
            self._indices[split] = WindowIndex(self.data.samples[split], self.shape)
        return self._indices[split]

    def window_set(self, split: Split, training: bool = False, size: int = 0) -> WindowSet:
        """The windows of a part with their inputs; ``size`` samples of each, or all. Those for training change and mix."""
        index, seed = self.windows(split), self.config.training.seed
        conditions = [self.conditions[r.id] for r in index.recordings]
        augmenter = Augmenter(self.config.data.augmentation, seed) if training else None
        mixing = _mixing(self.config.training.regularisation, seed) if training else None
        return WindowSet(
            index, self.maker, len(self.class_names), self.several, conditions, augmenter, mixing, size
        )

    def class_windows(self, split: Split) -> np.ndarray:
        """Windows of each class, int64."""
        index = self.windows(split)
        found = np.zeros(len(self.class_names), np.int64)
        for recording, count in zip(index.recordings, index.counts, strict=True):
            found[list(recording.classes)] += count
        return found

    def build_loaders(self, device: torch.device) -> tuple[Loader, Loader | None]:
        """Training loader, shuffled, with what is drawn anew each epoch; validation loader without either."""
        train = self.resized_loader(self.full_size, device)
        self.val_set = self.window_set("val")
        training, workers = self.config.training, self.config.inputs.workers
        val = WindowLoader(self.val_set, training.batch_size, workers=workers) if len(self.val_set) else None
        return train, val

    @property
    def full_size(self) -> int:
        """Samples of a window."""
        return self.shape.length

    def resized_loader(self, size: int, device: torch.device) -> Loader:
        """The training loader with the middle of each window."""
        training, run = self.config.training, _RUN if self.config.training.loss.smoothness else 1
        self.train_set = self.window_set("train", training=True, size=size)
        return WindowLoader(
            self.train_set, training.batch_size, training.seed, True, self.config.inputs.workers, run
        )

    def build_model(self) -> nn.Module:
        """A branch for each input."""
        return build_network(self.config.model, self.maker, self.class_names, self.several)

    def prepare(self, batch: Batch, device: torch.device) -> Batch:
        """All tensors but the index on the device."""
        moved = {
            name: value.to(device, non_blocking=True)
            for name, value in batch.items() if isinstance(value, Tensor) and name != "index"
        }  # fmt: skip
        return {**batch, **moved}

    def begin_epoch(self, model: nn.Module, epoch: int) -> None:
        """Weights of the terms rise with the epochs."""
        self._epoch = epoch

    def _loss_of(self, training: bool) -> BearingLoss:
        if training not in self._losses:
            self._losses[training] = BearingLoss(
                self.config.training.loss,
                self.class_names,
                self.several,
                self.class_windows("train"),
                training,
            )
        return self._losses[training]

    def _answer(self, model: nn.Module, batch: Batch) -> Answer:
        inputs = {name: batch[INPUT + name] for name in self.maker.names}
        answer: Answer = model(inputs, details=True)
        return answer

    def training_step(self, model: nn.Module, batch: Batch) -> StepOutput:
        """Loss and its named terms, each with the norm of its gradient; of windows that are attacked where that is asked for."""
        lowered = self._loss_of(True)
        if self._attack is not None and self._attack.strikes(batch):
            batch = self._attack(batch, lambda moved: lowered.classes(self._answer(model, moved), moved))
        loss, told = lowered(self._answer(model, batch), batch, self._epoch)
        return StepOutput(loss, told)

    def evaluation_step(self, model: nn.Module, batch: Batch) -> StepOutput:
        """Loss of the classes, and the logits: of all branches together, and behind them of each by itself."""
        answer = self._answer(model, batch)
        loss, told = self._loss_of(False)(answer, batch, self._epoch)
        return StepOutput(loss, told, torch.stack([answer.logits, *answer.branches.values()], 1))

    def new_metrics(self, device: torch.device) -> Metrics:
        """Of windows and of recordings."""
        return BearingMetrics(SignalMetrics(self.class_names, self.several), self.maker.names)

    def sample_names(self, phase: str, indices: list[int]) -> list[str]:
        """The recording, and where in it the window begins."""
        index = (self.train_set if phase == "train" else self.val_set).index
        windows = [index[i] for i in indices]
        return [f"{w.recording.id} at {w.seconds:.2f} s" for w in windows]

    def facts(self) -> dict[str, Any]:
        """All that is needed to use the weights without this run."""
        config = self.config
        return {
            "task": "bearing",
            "classes": self.class_names,
            "several_faults": self.several,
            "inputs": config.inputs.model_dump(),
            "model": config.model.model_dump(),
            "window": list(self.data.window),
            "rate": self._rate(),
            "orders": self.maker.orders,
        }

    def features(self, model: nn.Module) -> tuple[nn.Module, int]:
        """What all branches together know of a window, before the last layer: N×C."""
        assert isinstance(model, BranchModel)
        return model.embedded, model.width

    def load_teacher(self, source: ModelSource) -> nn.Module:
        """A network that looks at some or all of this training's inputs, computed in the same way."""
        return load_teacher(source, self.maker.options, self.several, self._rate())

    def preview_indices(self, count: int) -> list[int]:
        """Windows from the middle of validation recordings, the classes in turn."""
        index = self.val_set.index
        ends = np.cumsum(index.counts)
        by_class: dict[tuple[int, ...], list[int]] = {}
        for place, recording in enumerate(index.recordings):
            if index.counts[place]:
                by_class.setdefault(recording.classes, []).append(
                    int(ends[place] - index.counts[place] // 2 - 1)
                )
        turns = [sorted(found) for _, found in sorted(by_class.items())]
        longest = max(map(len, turns), default=0)
        return [found[k] for k in range(longest) for found in turns if k < len(found)][:count]

    def previews(self, model: nn.Module, device: torch.device, count: int) -> list[PreviewItem]:
        """Spectrogram, truth and scores of the fixed windows."""
        items = []
        for number in self.preview_indices(count):
            batch = self.prepare(self.val_set.batch(1, [number]), device)
            if not len(batch["index"]):
                continue
            logits = self._answer(model, batch).logits[0].float()
            scores = (logits.sigmoid() if self.several else logits.softmax(0)).cpu().numpy()
            name = self.sample_names("val", [number])[0]
            truth = self.val_set.index[number].recording.classes
            items.append(
                preview_item(name, self.val_set.window(number), self._rate(), scores, truth, self.class_names)
            )
        return items

    def baselines(self, cancelled: Callable[[], bool] = lambda: False) -> list[dict[str, Any]]:
        """Majority, random forest and the envelope rule, on the same windows."""
        from src.tasks.bearing.baselines import measure_baselines

        return measure_baselines(self, cancelled)

    def mend(self, error: Exception, device: torch.device) -> str:
        """Fewer windows in a batch first, then shorter ones."""
        batch = self.config.training.batch_size
        if batch > 1:
            return (
                f"Set the batch size from {batch} to {max(1, batch // 2)} (training.batch_size), then resume."
            )
        return "Choose shorter windows (data.windows.length), in a new run."


def _mixing(options: RegularisationConfig, seed: int) -> Mixing | None:
    if not options.mixes:
        return None
    return Mixing(options.mixup, options.cutmix, options.mixup_alpha, options.cutmix_alpha, seed)


class BearingMetrics:
    """`SignalMetrics` as the engine takes them."""

    def __init__(self, metrics: SignalMetrics, branches: tuple[str, ...]) -> None:
        self.metrics, self._branches = metrics, branches

    def update(self, prediction: Tensor, batch: Batch) -> None:
        """Add logits N×(1 + branches)×C of a prepared batch."""
        alone = {
            name: prediction[:, k] for k, name in enumerate(self._branches, 1) if k < prediction.shape[1]
        }
        self.metrics.add(prediction[:, 0], batch["target"], batch["recording"], alone)

    def state(self) -> dict[str, Any]:
        """All that was added."""
        return self.metrics.state()

    def merge(self, state: dict[str, Any]) -> None:
        """Add what another device's `state` holds."""
        self.metrics.merge(state)

    def summary(self) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
        """Values by name, and by class."""
        return self.metrics.summary()
