"""What a checkpoint holds of a trainer, and how a trainer goes on from it bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.optim import Optimizer

from src.core.engine.device import random_state
from src.core.engine.devices.group import Group
from src.core.engine.optim import fill_momentum
from src.core.engine.state import TrainState

if TYPE_CHECKING:
    from src.core.engine.trainer import Trainer


def take_snapshot(trainer: Trainer) -> tuple[dict[str, Any], dict[str, Any]]:
    """Nested state with tensors (not copied), and plain values."""
    state: dict[str, Any] = {
        "model": trainer.group.full(trainer.model.state_dict()),
        "optimizer": trainer.group.full(trainer.optimizer.state_dict()),
        "random": random_state(trainer.device),
    }
    if trainer.average is not None:
        state["average"] = trainer.group.full(trainer.average.average)
    if trainer.swa is not None and trainer.swa.begun:
        state["swa"] = trainer.group.full(trainer.swa.average)
    if trainer.precision.scaled:
        state["scaler"] = trainer.scaler.state_dict()
    header = {
        "state": trainer.state.as_json(),
        "schedule": trainer.schedule.state(),
        "average_updates": trainer.average.updates if trainer.average else 0,
        "swa": {"updates": trainer.swa.updates, "last": trainer.swa.last} if trainer.swa else {},
        "facts": trainer.task.facts(),
        "batches": len(trainer.train_loader),
    }
    return state, header


def restore_snapshot(trainer: Trainer, state: dict[str, Any], header: dict[str, Any]) -> None:
    """Bring a trainer, made with the same options, to where the snapshot was taken."""
    trainer.group.load(trainer.model, state["model"])
    _restore_optimizer(trainer.optimizer, state["optimizer"])
    _restore_layout(trainer.optimizer, trainer.group)
    trainer.state = TrainState.from_json(header["state"])
    batches, before = len(trainer.train_loader), header.get("batches")
    if before and before != batches:  # another batch size: the same share of the epoch is done
        trainer.state.step = round(trainer.state.step * batches / before)
    trainer.schedule.restore(header["schedule"])
    if trainer.average is not None and "average" in state:
        for name, value in state["average"].items():
            held = trainer.average.average[name]
            held.copy_(trainer.group.part_like(value, held))
        trainer.average.updates = header["average_updates"]
    if trainer.swa is not None and header["swa"]:
        for name, value in state.get("swa", {}).items():  # none before the first epoch that went in
            held = trainer.swa.average[name]
            held.copy_(trainer.group.part_like(value, held))
        trainer.swa.updates, trainer.swa.last = header["swa"]["updates"], header["swa"]["last"]
    if trainer.precision.scaled and "scaler" in state:
        trainer.scaler.load_state_dict(state["scaler"])
    if trainer.state.step:
        trainer.pending_random = state["random"]


def same_optimizer(optimizer: Optimizer, saved: dict[str, Any]) -> bool:
    """Whether a state is that of the same rule over the same groups of weights."""
    mine, theirs = optimizer.state_dict()["param_groups"], saved["param_groups"]
    if [len(g["params"]) for g in mine] != [len(g["params"]) for g in theirs]:
        return False
    marks = ("betas", "momentum", "alpha", "amsgrad")  # of Lion and Adam, SGD, RMSprop, Adam
    kind = "decoupled_weight_decay"  # AdamW, not Adam
    one, other = mine[0], theirs[0]
    return all((m in one) == (m in other) for m in marks) and one.get(kind) == other.get(kind, one.get(kind))


def _restore_optimizer(optimizer: Optimizer, saved: dict[str, Any]) -> None:
    """Load a state, with weight decay and momentum as they are set now: `torch.optim` would take those of then."""
    names = ("weight_decay", "momentum", "nesterov")
    now = [{name: group[name] for name in names if name in group} for group in optimizer.param_groups]
    optimizer.load_state_dict(saved)
    for group, values in zip(optimizer.param_groups, now, strict=True):
        group.update(values)
    fill_momentum(optimizer)


def _restore_layout(optimizer: Optimizer, group: Group) -> None:
    """Give the optimiser's tensors the memory layout of their weights: sums in another order differ in the last bit."""
    for weight, values in optimizer.state.items():
        for name, value in values.items():
            if group.parts and torch.is_tensor(value) and value.shape == weight.shape:
                values[name] = group.part_like(value, weight)
            elif torch.is_tensor(value) and value.shape == weight.shape and value.stride() != weight.stride():
                values[name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)
