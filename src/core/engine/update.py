"""One update of the weights: forward and backward over its batches, in pieces where memory asks for it, then a guarded step."""

from __future__ import annotations

import gc
import itertools
import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from src.core.engine.device import mix_seed
from src.core.engine.devices.channel import ElsewhereError
from src.core.engine.explain import is_out_of_memory
from src.core.engine.task import Batch, StepOutput

if TYPE_CHECKING:
    from src.core.engine.trainer import Trainer


class Update:
    """Computes the updates of a trainer.

    **Memory.** Where it is not enough, each batch is divided into twice as many pieces and the update is computed again; the
    pieces' losses are weighted by their samples, so the effective batch stays. The number of pieces is part of the trainer's
    state: a resumed run goes on with it. Losses that are no mean over samples (Dice over a batch) and batch-norm see the pieces.

    **Numbers.** The gradients' norm says on the device whether they are finite. Where they are not the weights stay as
    they are: the fused kernels of AdamW, Adam and SGD look at that flag themselves, so nothing waits for the device. On a GPU
    the others (RMSprop, Lion) wait for it once an update; on the CPU there is nothing to wait for.

    Attributes:
        watched: The next update shows its gradients to ``on_gradients``, and takes this back.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._trainer, self._group = trainer, trainer.group
        self.watched = bool(trainer.callbacks.on_gradients)
        self._weights = list(trainer.model.parameters())
        self._skips_itself = trainer.device.type == "cuda" and bool(
            getattr(trainer.optimizer, "_step_supports_amp_scaling", False)
        )

    def __call__(self, batches: list[Batch]) -> tuple[list[StepOutput], Tensor | bool]:
        """Train on the batches of one update; returns what each gave, and whether the gradients were finite."""
        while True:
            self._group.begin(self._trainer)
            lack: Exception | None = None
            outputs: list[StepOutput] = []
            try:
                outputs = [self._learn(batch, len(batches)) for batch in batches]
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                lack = error
            if not self._group.agree(lack is not None):
                return self._group.total(outputs), self._step()
            if not (self._group.retries and self._make_room(batches)):
                raise lack or ElsewhereError

    def _learn(self, batch: Batch, share: int) -> StepOutput:
        """Gradients of one batch, added to those that are there; ``share`` batches make the update."""
        pieces = self._trainer.state.pieces
        if pieces == 1 and self._group.size == 1:
            output = self._forward(batch)
            self._backward(output.loss if share == 1 else output.loss / share)
            return StepOutput(output.loss.detach(), output.terms)
        parts: list[StepOutput] = []
        for piece, weight in self._group.pieces(batch, pieces, divided):
            output = self._forward(piece)
            self._backward(output.loss * (weight / share * self._group.gain))
            parts.append(weighted(output, weight))
        return added(parts)

    def _forward(self, batch: Batch) -> StepOutput:
        trainer = self._trainer
        self._group.attend(batch)
        prepared = trainer.task.prepare(batch, trainer.device)
        with trainer.autocast:
            return trainer.task.training_step(trainer.model, prepared)

    def _backward(self, loss: Tensor) -> None:
        if self._trainer.precision.scaled:
            self._trainer.scaler.scale(loss).backward()
        else:
            loss.backward()

    def _step(self) -> Tensor | bool:
        trainer = self._trainer
        optimizer, scaled = trainer.optimizer, trainer.precision.scaled
        self._group.add_gradients(self._weights)
        if scaled:
            trainer.scaler.unscale_(optimizer)
        if self.watched:
            self.watched = False
            for listener in trainer.callbacks.on_gradients:
                listener(trainer)
        gradients = [w.grad for w in self._weights if w.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        if trainer.options.clip_norm:
            torch.nn.utils.clip_grads_with_norm_(self._weights, trainer.options.clip_norm, norm)
        finite: Tensor | bool = True
        if scaled:  # the scaler skips by itself, and lowers its scale: at first that is nothing unusual
            trainer.scaler.step(optimizer)
            trainer.scaler.update()
        elif self._skips_itself:
            finite = torch.isfinite(self._group.norm(norm))
            optimizer.grad_scale, optimizer.found_inf = None, (~finite).float()  # type: ignore[attr-defined]
            optimizer.step()
        elif finite := math.isfinite(float(self._group.norm(norm))):
            optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return finite

    def _make_room(self, batches: list[Batch]) -> bool:
        """Divide the batches further; False where they cannot be."""
        trainer = self._trainer
        state = trainer.state
        most = self._group.most(batches)
        if state.pieces >= most:
            return False
        state.pieces = min(2 * state.pieces, most)
        trainer.optimizer.zero_grad(set_to_none=True)
        gc.collect()
        if trainer.device.type == "cuda":
            torch.cuda.empty_cache()
        # what drop-out drew in vain must not depend on where memory ran out
        torch.manual_seed(mix_seed(trainer.options.seed, state.epoch, state.step, state.pieces))
        held = -(-most // state.pieces)
        trainer.callbacks(
            "on_warning", trainer, "memory",
            f"The memory was not enough for a batch of {most}: it is computed in pieces of {held} from here on. The effective batch "
            "stays; each update takes longer.",
            f"With a batch size of {held} and {state.pieces} accumulated batches a run learns the same without trying.", [],
        )  # fmt: skip
        return True


def divided(batch: Batch, pieces: int) -> list[Batch]:
    """A batch in so many parts of nearly equal size, none of them empty; what is not of the samples is in each of them.

    Tensors whose first length is that of ``batch["index"]`` are of the samples, and lists and tuples of that length too.
    """
    size = len(batch["index"])
    pieces = min(pieces, size)
    edges = [round(k * size / pieces) for k in range(pieces + 1)]
    return [part_of(batch, first, last) for first, last in itertools.pairwise(edges)]


def part_of(batch: Batch, first: int, last: int) -> Batch:
    """The samples of a batch from ``first`` to before ``last``; see `divided`."""
    size = len(batch["index"])

    def part(value: Any) -> Any:
        belongs = isinstance(value, (Tensor, list, tuple)) and not (
            isinstance(value, Tensor) and value.ndim == 0
        )
        return value[first:last] if belongs and len(value) == size else value

    return {name: part(value) for name, value in batch.items()}


def weighted(output: StepOutput, weight: float) -> StepOutput:
    """Loss and terms of a part with its share of the whole; of one that only stands in (0) not even what is no number."""
    if not weight:
        zero = torch.zeros_like(output.loss)
        return StepOutput(zero, dict.fromkeys(output.terms, zero))
    return StepOutput(weight * output.loss.detach(), {k: weight * v for k, v in output.terms.items()})


def added(parts: list[StepOutput]) -> StepOutput:
    """The sum of weighted parts."""
    first, *others = parts
    for part in others:
        terms = {name: value + part.terms[name] for name, value in first.terms.items()}
        first = StepOutput(first.loss + part.loss, terms)
    return first
