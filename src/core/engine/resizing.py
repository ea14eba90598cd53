"""Progressive resizing: training images that grow over the run (Howard 2018; Touvron et al. 2019)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from src.core.config.extras import ResizingConfig
from src.core.engine.callbacks import Callback
from src.core.engine.task import Loader

if TYPE_CHECKING:
    from src.core.engine.trainer import Trainer


class ProgressiveResizing(Callback):
    """Gives each epoch images of its size; ``make`` gives the loader of a size (`Task.resized_loader`).

    The size is a pure function of the epoch, and the loader's order one of (seed, epoch), so a resumed run sees the same
    images. The batch size stays: the schedule of the learning rate, which counts updates, is not bent.
    """

    def __init__(self, config: ResizingConfig, epochs: int, full: int, make: Callable[[int], Loader]) -> None:
        self._config, self._epochs, self._full, self._make = config, epochs, full, make
        self._present = full

    def on_epoch_start(self, trainer: Trainer) -> None:
        size = self._config.size_at(trainer.state.epoch, self._epochs, self._full)
        if size == self._present:
            return
        batches = len(trainer.train_loader)
        trainer.train_loader.close()
        trainer.train_loader = self._make(size)
        assert len(trainer.train_loader) == batches, "a resized loader has as many batches"
        self._present = size
