"""Watches how strongly each part of a network is pulled, and says so when gradients vanish or explode."""

from __future__ import annotations

import math
import time
from collections import deque
from statistics import median
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from src.core.engine.callbacks import Callback, Report

if TYPE_CHECKING:
    from src.core.engine.trainer import Trainer
    from src.core.run import EventWriter

#: Parts that are told apart at most: the blocks of an encoder, a decoder, a head.
MOST_PARTS = 12
#: Seconds between two readings.
EVERY_S = 1.0
#: A part whose gradient is so small beside its weights does not learn: AdamW's ``eps`` is 1e-8.
VANISHED = 1e-9
#: The whole norm, relative to the median of the readings before.
EXPLODED = 100.0
#: So many readings in a row, and so many before anything is judged.
IN_A_ROW, FIRST_READINGS = 5, 10


def parts_of(model: nn.Module, most: int = MOST_PARTS) -> dict[str, list[nn.Parameter]]:
    """Weights by the part of the network that they belong to: its modules, the largest divided while there is room."""
    parts: dict[str, nn.Module] = {name: m for name, m in model.named_children() if _has_weights(m)}
    own = list(model.parameters(recurse=False))
    while True:
        divisible = {
            name: inner
            for name, module in parts.items()
            if (inner := [(k, m) for k, m in module.named_children() if _has_weights(m)])
            and not list(module.parameters(recurse=False))
            and len(parts) - 1 + len(inner) <= most
        }
        if not divisible:
            break
        name = max(divisible, key=lambda n: sum(p.numel() for p in parts[n].parameters()))
        position = list(parts).index(name)
        rest = list(parts.items())
        fresh = [(f"{name}.{k}", m) for k, m in divisible[name]]
        parts = dict([*rest[:position], *fresh, *rest[position + 1 :]])
    found = {name: list(module.parameters()) for name, module in parts.items()}
    return {**({"(itself)": own} if own else {}), **found}


def _has_weights(module: nn.Module) -> bool:
    return next(module.parameters(), None) is not None


class GradientMonitor(Callback):
    """Norms of the gradients by part of the network as ``gradients`` events, at most one a second.

    They are computed on the device in one update and read back at the report after it, so nothing waits for them. A part
    whose gradients vanish, and gradients that explode, are told once a run.
    """

    def __init__(self, writer: EventWriter, every_s: float = EVERY_S) -> None:
        self._writer, self._every = writer, every_s
        self._due = 0.0
        self._pending: tuple[list[str], Tensor] | None = None
        self._parts: dict[str, list[nn.Parameter]] = {}
        self._before: deque[float] = deque(maxlen=100)
        self._weak: dict[str, int] = {}
        self._strong = 0
        self._told: set[str] = set()

    def on_run_start(self, trainer: Trainer) -> None:
        self._parts = parts_of(trainer.model)

    @torch.no_grad()
    def on_gradients(self, trainer: Trainer) -> None:
        now = time.monotonic()
        if now < self._due or self._pending is not None:
            return
        self._due = now + self._every
        names, norms = [], []
        for name, weights in self._parts.items():
            known = [(w, w.grad) for w in weights if w.grad is not None]
            if known:  # a frozen part has none
                names.append(name)
                norms.append(torch.nn.utils.get_total_norm([g for _, g in known]))
                norms.append(torch.nn.utils.get_total_norm([w for w, _ in known]))
        if names:
            self._pending = names, torch.stack([n.float() for n in norms]).view(-1, 2)

    def on_report(self, trainer: Trainer, report: Report) -> None:
        if self._pending is None or report.phase != "train":
            return
        names, table = self._pending
        self._pending = None
        rows: list[list[float]] = table.tolist()
        norms = {name: row[0] for name, row in zip(names, rows, strict=True)}
        total = math.sqrt(math.fsum(v * v for v in norms.values()))
        fields: dict[str, Any] = {"epoch": report.epoch, "phase": "train", "batch": report.batch}
        self._writer.write("gradients", **fields, total=total, parts=norms)
        if math.isfinite(total):  # what is no number is the guard's business
            self._judge_whole(trainer, total)
            self._judge_parts(trainer, dict(zip(names, rows, strict=True)))

    def _judge_whole(self, trainer: Trainer, total: float) -> None:
        usual = median(self._before) if len(self._before) >= FIRST_READINGS else math.inf
        self._strong = self._strong + 1 if total > EXPLODED * usual else 0
        if self._strong < IN_A_ROW:
            if not self._strong:
                self._before.append(total)
            return
        clipped = trainer.options.clip_norm
        cure = "Lower the learning rate (to a third), or lengthen the warm-up."
        self._tell(
            trainer, "gradients-explode",
            f"The gradients explode: their norm is {total:.3g}, and was about {usual:.3g} before.",
            cure if clipped else f"Turn the clipping of gradients on (training.clip_norm=1). {cure}", [],
        )  # fmt: skip

    def _judge_parts(self, trainer: Trainer, rows: dict[str, list[float]]) -> None:
        for name, (gradient, weight) in rows.items():
            weak = gradient <= VANISHED * weight
            self._weak[name] = self._weak.get(name, 0) + 1 if weak else 0
        gone = [name for name, count in self._weak.items() if count >= FIRST_READINGS]
        if gone:
            self._tell(
                trainer, "gradients-vanish",
                f"The gradients vanish in {', '.join(gone[:4])}: hardly anything is learnt there.",
                "Raise the learning rate, lengthen the warm-up or choose a network with normalisation layers; with float16, try "
                "bfloat16 or 32 bit.", gone,
            )  # fmt: skip

    def _tell(self, trainer: Trainer, code: str, message: str, cure: str, where: list[str]) -> None:
        if code not in self._told:
            self._told.add(code)
            trainer.callbacks("on_warning", trainer, code, message, cure, where)
