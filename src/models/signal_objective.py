"""Several losses as one: each with a weight, a warm-up, and its value and the norm of its gradient told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

#: Name of the term by which the others are measured when gradients are balanced.
MAIN = "classification"


@dataclass(frozen=True)
class Term:
    """One loss of several.

    Attributes:
        weight: How much it counts; with 0 it is neither computed nor told, as if it were not there.
        warmup: Epochs over which the weight rises in equal steps from 0 to its full value; 0 starts with all of it.
    """

    weight: float
    warmup: int = 0

    def at(self, epoch: int) -> float:
        """The weight in an epoch (from 1), a pure function of it."""
        return self.weight * min(1.0, epoch / (self.warmup + 1))


class Objective:
    """The weighted sum of named terms.

    With ``balance`` a term's gradient is brought to the length of the main one's before its weight counts, so that a
    weight of 0.1 means a tenth of the pull whatever the term's unit. Both lengths are of the gradient with respect to
    the embedding, the last values that all terms share, and are measured anew in each batch: there is no state, and a
    resumed run is the one that was not interrupted. (GradNorm, Chen et al. 2018, arXiv:1711.02257, learns such factors;
    measuring them is enough where the weights are given.)
    """

    def __init__(self, terms: Mapping[str, Term], balance: bool = False, most: float = 100.0) -> None:
        """
        Args:
            terms: By name; one is `MAIN`.
            balance: See the class.
            most: Largest factor that balancing may give: a term that is nearly fulfilled is not blown up.

        Raises:
            ValueError: A weight is negative, or the main term is missing or counts nothing.
        """
        self.terms = {name: term for name, term in terms.items() if term.weight != 0}
        if MAIN not in self.terms or min(t.weight for t in self.terms.values()) < 0:
            raise ValueError(f"Weights must not be negative, and that of {MAIN} positive: {dict(terms)}.")
        self.balance, self.most = balance, most

    def __call__(
        self, parts: Mapping[str, Callable[[], Tensor]], embedding: Tensor, epoch: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss and what is told of it.

        Args:
            parts: What computes each term; one that does not count is not called.
            embedding: That all terms depend on.
            epoch: From 1.

        Returns:
            The sum with its graph; and by name the value of each term without its weight and, where there is a graph,
            ``<name>_gradient``, the norm of its gradient with respect to the embedding, also without the weight.
        """
        values = {name: parts[name]() for name in self.terms}
        told = {name: value.detach() for name, value in values.items()}
        norms: dict[str, Tensor] = {}
        if torch.is_grad_enabled() and embedding.requires_grad:
            norms = {name: _gradient_norm(value, embedding) for name, value in values.items()}
            told |= {f"{name}_gradient": norm for name, norm in norms.items()}
        total: Tensor | None = None
        for name, value in values.items():
            share = value * self.terms[name].at(epoch)
            if self.balance and norms and name != MAIN:
                factor = norms[MAIN] / norms[name].clamp_min(1e-12)
                share = share * factor.clamp(max=self.most)
            total = share if total is None else total + share
        assert total is not None
        return total, told


def _gradient_norm(value: Tensor, embedding: Tensor) -> Tensor:
    if not value.requires_grad:
        return torch.zeros((), device=embedding.device)
    (gradient,) = torch.autograd.grad(value, embedding, retain_graph=True, allow_unused=True)
    return torch.zeros((), device=embedding.device) if gradient is None else gradient.float().norm()
