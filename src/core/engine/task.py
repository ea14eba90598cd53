"""What a training problem tells the engine. The engine must not know which one it runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from src.core.config import RunConfig
from src.core.config.optimisation import OptimizerConfig
from src.core.dataset.findings import Finding
from src.core.engine.groups import parameter_groups
from src.core.run.model_source import ModelSource

Batch = dict[str, Any]


class Loader(Protocol):
    """Batches whose order and randomness are a pure function of (seed, epoch, index).

    With a method ``take(share)`` it reads only one device's part of each batch; see `src.core.engine.devices.shards`.
    """

    def __len__(self) -> int: ...

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[Batch]:
        """Batches of an epoch (from 1), beginning with batch number ``start_batch`` without reading those before."""
        ...

    def close(self) -> None:
        """End workers; safe to call twice."""
        ...


class Metrics(Protocol):
    """Accumulates on the device; reads back only in `summary`.

    With a method ``state()``, which gives all that was added as plain numbers and arrays on the CPU, and ``merge(state)``, which
    adds another one's, a task can be trained on several devices.
    """

    def update(self, prediction: Tensor, batch: Batch) -> None:
        """Add the predictions of a prepared batch."""
        ...

    def summary(self) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
        """``(value by name, value by class name and then by metric)``."""
        ...


@dataclass
class StepOutput:
    """What a step gives back.

    Attributes:
        loss: Scalar with graph (training) or without (evaluation).
        terms: Named parts of the loss, detached scalars.
        prediction: What `Metrics.update` takes; evaluation only.
        counted: Gives the places of the prediction that count: bool, its shape without the axis of the classes; None
            where all do. Training only.
    """

    loss: Tensor
    terms: dict[str, Tensor] = field(default_factory=dict)
    prediction: Tensor | None = None
    counted: Callable[[], Tensor] | None = None


@dataclass(frozen=True)
class PreviewItem:
    """A fixed sample and what the model makes of it: RGB pictures H×W×3 uint8, and its own value of the metric.

    Where the first picture is no image, ``shows`` says what it is; where the value is another one, ``value`` names it.
    """

    sample: str
    image: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray
    metric: float | None = None
    shows: str = ""
    value: str = ""


class Task(ABC):
    """A training problem. Never touches Qt, devices, files outside its run folder, or the optimiser step.

    Attributes:
        config: Its typed configuration.
        data: The description of the data set that its torch-free side made.
        metric: Name of the value by which the best model is chosen; ``maximise`` its direction.
        exclusive: A sample, or a place in it, has one class: logits mean a softmax, or one object against background. False
            where each of several classes may hold: a sigmoid each.
        weights_follow: A checkpoint is loaded into the model next, so `build_model` need not read any weights.
    """

    metric: str
    maximise: bool = True
    exclusive: bool = True
    weights_follow: bool = False

    def __init__(self, config: RunConfig, data: Any) -> None:
        self.config = config
        self.data = data

    @abstractmethod
    def build_loaders(self, device: torch.device) -> tuple[Loader, Loader | None]:
        """Training loader, and validation loader where there is anything to validate on."""

    @property
    def full_size(self) -> int | None:
        """Side of the images that the model is made for, where `resized_loader` can give others; None where it cannot."""
        return None

    def resized_loader(self, size: int, device: torch.device) -> Loader:
        """The training loader with images of another size (side in px): as many batches, of the same samples in the same order."""
        raise NotImplementedError(f"{type(self).__name__} cannot resize.")

    @abstractmethod
    def build_model(self) -> nn.Module:
        """The network, with random numbers from torch's generator as the engine seeded it."""

    @abstractmethod
    def prepare(self, batch: Batch, device: torch.device) -> Batch:
        """Move a batch to the device and bring it to the form that the model takes."""

    @abstractmethod
    def training_step(self, model: nn.Module, batch: Batch) -> StepOutput:
        """Loss of a prepared batch."""

    @abstractmethod
    def evaluation_step(self, model: nn.Module, batch: Batch) -> StepOutput:
        """Loss and prediction of a prepared batch."""

    @abstractmethod
    def new_metrics(self, device: torch.device) -> Metrics:
        """An empty accumulator."""

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """What a model file must say of itself to be used: classes, input size, normalisation. Plain JSON values."""

    def encoder_blocks(self, model: nn.Module) -> list[list[Tensor]]:
        """Weights of the blocks that can learn more slowly, from the input on; by default there are none."""
        return []

    def parameter_groups(self, model: nn.Module, config: OptimizerConfig) -> list[dict[str, Any]]:
        """Groups for the optimiser; see `src.core.engine.groups`."""
        asked = config.encoder_rate != 1 or config.layer_decay != 1
        return parameter_groups(model, config, self.encoder_blocks(model) if asked else ())

    def prepare_data(  # noqa: B027
        self,
        progress: Callable[[int, int, str], None],
        cancelled: Callable[[], bool],
        note: Callable[[Finding], None],
    ) -> None:
        """Long work before the loaders are built, such as a cache; by default none.

        Args:
            progress: Takes done, total and what is going on, as often as one likes.
            cancelled: Whether somebody asks the run to end; then return soon.
            note: Takes what a person should know.
        """

    def load_teacher(self, source: ModelSource) -> nn.Module:
        """A trained model that answers like the one of `build_model` to the same input; for distillation.

        Raises:
            JobError: The model cannot be used.
            NotImplementedError: This task knows no teachers.
        """
        raise NotImplementedError("This problem cannot be learnt from a teacher.")

    def features(self, model: nn.Module) -> tuple[nn.Module, int]:
        """The part of a model whose (last) output N×C×H×W, N×C×L or N×C a student may imitate, and C.

        Raises:
            NotImplementedError: This task has no such part.
        """
        raise NotImplementedError("The features of this problem's networks cannot be imitated.")

    def begin_epoch(self, model: nn.Module, epoch: int) -> None:  # noqa: B027
        """Called before the first step of each epoch (from 1), also of a resumed one."""

    def sample_names(self, phase: str, indices: list[int]) -> list[str]:
        """Names of samples by their index in the ``train`` or ``val`` loader, for messages."""
        return [str(i) for i in indices]

    def previews(self, model: nn.Module, device: torch.device, count: int) -> list[PreviewItem]:
        """The same few validation samples each time."""
        return []

    def baselines(self, cancelled: Callable[[], bool]) -> list[dict[str, Any]]:
        """What needs no training, or little, on the same validation samples: what a model must be better than.

        Called once, before the first epoch. For each a mapping of ``name``, ``about`` (half a sentence) and ``metrics``,
        values by the names that `Metrics.summary` has. None by default, and none where ``cancelled`` said so.
        """
        return []

    def mend(self, error: Exception, device: torch.device) -> str:
        """A cure for an error of the computation (out of memory), in the words of this task's options."""
        return f"Choose a smaller batch size than {self.config.training.batch_size}."


def count_parameters(model: nn.Module) -> int:
    """Number of weights."""
    return sum(p.numel() for p in model.parameters())
