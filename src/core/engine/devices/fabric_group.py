"""Several devices, one process each: what `Group` promises, for all of them together."""

from __future__ import annotations

import datetime as dt
import socket
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from src.core.engine.device import device_title, mix_seed
from src.core.engine.devices.channel import Channel, ElsewhereError
from src.core.engine.devices.group import WORDS, Divide, Group, T
from src.core.engine.devices.parts import part_like, whole
from src.core.engine.devices.shards import ShardedLoader
from src.core.engine.devices.sync_norm import summed, synchronise
from src.core.engine.task import Batch, Loader, Metrics, StepOutput
from src.core.feed.shares import Share
from src.core.run.commands import COMMANDS
from src.models.across import add_by

if TYPE_CHECKING:
    from src.core.engine.trainer import Trainer

#: Gradients are added in parcels of so many numbers.
_PARCEL = 8 * 2**20
#: Numbers in a message: the sums of a loss over 80 classes.
_WIDTH = 256
_COMMANDS = [None, *COMMANDS]


class FabricGroup(Group):
    """The devices of one training; see `Group` for what each method promises.

    The first process decides (commands, times), and says so in the one message that all exchange once an update. Gradients are
    added after that message, so that a device whose memory was not enough leaves nobody waiting.
    """

    def __init__(self, fabric: Any, parts: bool, beside: int, timeout: dt.timedelta) -> None:
        """
        Args:
            fabric: Of Lightning, launched.
            parts, beside: See `Group`.
            timeout: How long one process waits for another.
        """
        self._fabric, self.beside = fabric, beside
        self.rank, self.size, self.main = fabric.global_rank, fabric.world_size, fabric.global_rank == 0
        self.device: torch.device = fabric.device
        self._waits = False
        self.parts, self.gain = parts, float(self.size) if parts else 1.0
        on_cpu = None if self.device.type == "cpu" else dist.new_group(backend="gloo", timeout=timeout)
        self.channel = Channel(on_cpu or dist.group.WORLD, _WIDTH)
        self._ask: Callable[[], str | None] = lambda: None
        self._command: str | None = None
        self._now = 0.0
        self._words: list[tuple[str, str, str, list[str]]] = []
        self._trainer: Trainer | None = None
        title = f"{device_title(self.device)} of {socket.gethostname()}"
        self._titles = [str(said) for said in self.channel.gather(title)]
        self._exchange()

    def _together(self, on: bool) -> None:
        """Whether sums in the losses are those of all devices: only in passes that all of them make."""
        add_by((lambda sums: summed(sums, self.channel)) if on else None)

    # ---- decisions

    def _exchange(self, samples: int = 0) -> int:
        """Hear what the first process decides, and pass on what the others have to say; returns the sum of ``samples``."""
        said = [float(len(self._words)), float(samples), 0.0, 0.0]
        if self.main:
            said[2:] = [time.perf_counter(), float(_COMMANDS.index(self._ask()))]
        words, total, self._now, command = self.channel.sum(torch.tensor(said, dtype=torch.float64)).tolist()
        self._command = _COMMANDS[round(command)]
        if words:
            told, self._words = self.channel.gather(self._words), []
            for warning in [w for each in told for w in each]:
                if self.main and self._trainer is not None:
                    self._trainer.callbacks("on_warning", self._trainer, *warning)
        return round(total)

    def clock(self) -> float:
        return self._now

    def commands(self, command: Callable[[], str | None]) -> Callable[[], str | None]:
        self._ask = command
        return lambda: self._command

    def begin(self, trainer: Trainer) -> None:
        """Randomness of layers is that of the place: nothing of it need be kept for a resumed run."""
        self._trainer, state = trainer, trainer.state
        self.channel.forget()
        torch.manual_seed(
            mix_seed(trainer.options.seed, state.epoch, state.step, state.pieces, self.rank + 1)
        )

    def agree(self, failed: bool) -> bool:
        self._together(False)
        if (
            failed and not self.retries
        ):  # the others are in the middle of what they cannot leave: this process ends
            return True
        try:
            if failed:
                self.channel.fail()
            else:
                self._exchange()
        except ElsewhereError:
            return True
        return failed

    # ---- batches

    def share(self, loaders: tuple[Loader, Loader | None]) -> tuple[Loader, Loader | None]:
        train, val = loaders
        mine = Share(self.rank, self.size, self.beside)
        return ShardedLoader(train, mine), None if val is None else ShardedLoader(val, mine)

    def pieces(self, batch: Batch, pieces: int, divide: Divide) -> Iterator[tuple[Batch, float]]:
        """As many pieces on each device, since all of them compute batch norm together; what is missing stands in."""
        whole_count, counts = len(batch["whole"]), not batch["stands_in"]
        found = divide(batch, pieces) if pieces > 1 else [batch]
        for piece in found:
            yield piece, counts * len(piece["index"]) / whole_count
        for _ in range(pieces - len(found)):
            yield {**divide(batch, len(batch["index"]))[0], "stands_in": True}, 0.0

    def index(self, batch: Batch) -> Tensor:
        found: Tensor = batch["whole"]
        return found

    def most(self, batches: list[Batch]) -> int:
        return max(-(-len(batch["whole"]) // self.size) for batch in batches)

    def attend(self, batch: Batch) -> bool:
        self._together(True)
        self.channel.counts = not batch["stands_in"]
        return self.channel.counts

    # ---- sums

    def total(self, outputs: list[StepOutput]) -> list[StepOutput]:
        names = list(outputs[0].terms)
        rows = [torch.stack([o.loss.detach(), *(o.terms[n] for n in names)]).double() for o in outputs]
        table = torch.stack(rows)
        dist.all_reduce(table)
        return [StepOutput(row[0], dict(zip(names, row[1:], strict=True))) for row in table]

    def mean(self, output: StepOutput, batch: Batch) -> StepOutput:
        """Also the exchange of the validation, whose samples are those that could be read."""
        count = len(batch["index"]) if self.attend(batch) else 0
        self._together(False)
        samples = self._exchange(count)
        batch["whole"] = batch["whole"][:samples]
        share = count / max(samples, 1)
        terms = {name: value * share for name, value in output.terms.items()}
        mine = StepOutput(output.loss * share, terms) if count else _nothing(output)
        return self.total([mine])[0]

    def add_gradients(self, weights: list[nn.Parameter]) -> None:
        if self.parts:  # added in the backward pass
            return
        parcel: list[nn.Parameter] = []
        size = 0
        for weight in [w for w in weights if w.requires_grad]:
            parcel.append(weight)
            size += weight.numel()
            if size >= _PARCEL:
                _add(parcel)
                parcel, size = [], 0
        if parcel:
            _add(parcel)

    def norm(self, norm: Tensor) -> Tensor:
        return whole(norm) if self.parts else norm

    def gather(self, metrics: Metrics, new: Callable[[], Metrics]) -> Metrics:
        """Merged in the order of the devices, so that all of them come to the same digits."""
        found: Any = new()
        for state in self.channel.gather(metrics.state()):  # type: ignore[attr-defined]
            found.merge(state)
        return found  # type: ignore[no-any-return]

    # ---- weights

    def prepare(self, model: nn.Module) -> nn.Module:
        """The model as the devices hold it, with the weights of the first one."""
        with torch.no_grad():
            for value in model.state_dict().values():
                dist.broadcast(value, 0)
        if self.parts:
            self._fabric.setup_module(model)  # in place
        return model

    @torch.no_grad()
    def same_buffers(self, model: nn.Module) -> None:
        for buffer in model.buffers():
            dist.broadcast(buffer, 0)

    def full(self, state: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = whole(state) if self.parts else state
        return found

    def part_like(self, value: Tensor, held: Any) -> Tensor:
        return part_like(value, held) if self.parts else value

    def load(self, model: nn.Module, weights: dict[str, Tensor]) -> None:
        model.load_state_dict({k: self.part_like(weights[k], v) for k, v in model.state_dict().items()})

    def synchronise_norms(self, model: nn.Module) -> int:
        layers = synchronise(model, self.device, self.channel)
        self._waits = self._waits or (layers > 0 and self.device.type == "cuda")
        return layers

    @property
    def retries(self) -> bool:  # type: ignore[override]
        """Not where the devices wait for each other inside a pass in ways that cannot be left: torch's batch norm over GPUs,
        sums in losses there, and weights of which each holds a part."""
        return not (self.parts or self._waits or self.channel.on_gpu)

    # ---- words

    def in_turn(self, work: Callable[[], None]) -> None:
        if self.main:
            work()
        self._exchange()
        if not self.main:
            work()

    def from_first(self, work: Callable[[], T]) -> T:
        found: T = self.channel.from_first(work() if self.main else None)
        return found

    def lead(self, word: str) -> None:
        if self.parts and self.main:
            self.channel.sum(torch.tensor([float(WORDS.index(word))]))

    def heard(self) -> str:
        return WORDS[round(float(self.channel.sum(torch.zeros(1))))]

    def titles(self) -> list[str]:
        return self._titles

    def tell(self, code: str, message: str, cure: str, where: list[str]) -> None:
        self._words.append((code, message, cure, where))

    def close(self) -> None:
        self._together(False)
        self.channel.close()
        if dist.is_initialized():
            dist.destroy_process_group()


def _nothing(output: StepOutput) -> StepOutput:
    """Zeros, also where the sample that stands in gave no numbers."""
    zero = torch.zeros_like(output.loss)
    return StepOutput(zero, dict.fromkeys(output.terms, zero))


@torch.no_grad()
def _add(weights: list[nn.Parameter]) -> None:
    """Sum of the gradients of these weights over all devices, in one message."""
    grads = [w.grad if w.grad is not None else torch.zeros_like(w) for w in weights]
    flat = torch.cat([g.reshape(-1) for g in grads])
    dist.all_reduce(flat)
    for weight, piece in zip(weights, flat.split([g.numel() for g in grads]), strict=True):
        if weight.grad is not None:  # the same on all of them: each computes the whole network
            weight.grad.copy_(piece.view_as(weight.grad))
