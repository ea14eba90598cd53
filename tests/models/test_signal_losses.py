"""Losses of signals against their definitions; weight 0 is the term removed, bit for bit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from src.models.signal_losses import (
    condition_consistency,
    cross_entropy,
    evidence,
    focal,
    inconsistency,
    physics,
    supervised_contrastive,
    temporal_smoothness,
)
from src.models.signal_objective import MAIN, Objective, Term

KINDS = torch.tensor([0, 1, 2, -1])


def batch(n: int = 12, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Logits N×4 and embedding N×5 that ask for gradients, and class numbers of which each occurs."""
    made = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, 4, generator=made, requires_grad=True)
    embedding = torch.randn(n, 5, generator=made, requires_grad=True)
    return logits, embedding, torch.arange(n) % 4


TERMS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "cross_entropy": lambda x, e, y: cross_entropy(x, y),
    "smoothed": lambda x, e, y: cross_entropy(x, y, smoothing=0.1),
    "multi_label": lambda x, e, y: cross_entropy(x, F.one_hot(y, 4).float(), True, 0.1),
    "focal": lambda x, e, y: focal(x, y),
    "focal_multi_label": lambda x, e, y: focal(x, F.one_hot(y, 4).float(), multi_label=True),
    "contrastive": lambda x, e, y: supervised_contrastive(e, y),
    "physics": lambda x, e, y: physics(x, inconsistency(torch.rand(len(y), 3) * 5, KINDS)),
    "consistency": lambda x, e, y: condition_consistency(x, y, torch.arange(len(y)) // 6),
    "smoothness": lambda x, e, y: temporal_smoothness(x, torch.arange(len(y)) // 6, torch.arange(len(y)) % 6),
}


@pytest.mark.parametrize("name", TERMS)
def test_every_term_is_finite_and_trains(name: str) -> None:
    logits, embedding, target = batch()
    value = TERMS[name](logits, embedding, target)
    value.backward()
    gradient = embedding.grad if name == "contrastive" else logits.grad
    assert value.ndim == 0 and torch.isfinite(value) and value > 0
    assert gradient is not None and torch.isfinite(gradient).all() and gradient.norm() > 1e-4


@pytest.mark.parametrize("name", TERMS)
def test_extreme_logits_stay_finite(name: str) -> None:
    logits, embedding, target = batch()
    large = (logits.detach() * 1e4).requires_grad_()
    far = (embedding.detach() * 1e4).requires_grad_()
    TERMS[name](large, far, target).backward()
    for gradient in (large.grad, far.grad):
        assert gradient is None or torch.isfinite(gradient).all()


def test_cross_entropy_is_torchs() -> None:
    logits, _, target = batch()
    weights = torch.tensor([1.0, 2.0, 3.0, 0.5])
    assert torch.allclose(cross_entropy(logits, target), F.cross_entropy(logits, target))
    assert torch.allclose(
        cross_entropy(logits, target, weights=weights), F.cross_entropy(logits, target, weights)
    )
    expected = F.cross_entropy(logits, target, label_smoothing=0.2)
    assert torch.allclose(cross_entropy(logits, target, smoothing=0.2), expected)
    several = F.one_hot(target, 4).float()
    expected = F.binary_cross_entropy_with_logits(logits, several)
    assert torch.allclose(cross_entropy(logits, several, True), expected)


def test_focal_is_its_definition() -> None:
    logits, _, target = batch()
    p = logits.softmax(1)[torch.arange(len(target)), target]
    assert torch.allclose(focal(logits, target, 2.0), (-((1 - p) ** 2) * p.log()).mean())
    assert torch.allclose(focal(logits, target, 0.0), F.cross_entropy(logits, target))
    q = logits.sigmoid()
    truth = F.one_hot(target, 4).float()
    pt = torch.where(truth > 0, q, 1 - q)
    assert torch.allclose(focal(logits, truth, 3.0, True), (-((1 - pt) ** 3) * pt.log()).mean())


def test_contrastive_is_equation_two_of_the_paper() -> None:
    _, embedding, target = batch(9)
    z = F.normalize(embedding, dim=1)
    anchors = []
    for i in range(9):
        positives = [p for p in range(9) if p != i and target[p] == target[i]]
        below = sum(torch.exp(z[i] @ z[a] / 0.2) for a in range(9) if a != i)
        if positives:
            anchors.append(
                -sum(torch.log(torch.exp(z[i] @ z[p] / 0.2) / below) for p in positives) / len(positives)
            )
    assert torch.allclose(
        supervised_contrastive(embedding, target, 0.2), torch.stack(anchors).mean(), atol=1e-5
    )


@pytest.mark.parametrize("n", [1, 4])
def test_contrastive_without_a_pair_is_zero_with_a_gradient_of_zero(n: int) -> None:
    embedding = torch.randn(n, 5, requires_grad=True)
    value = supervised_contrastive(embedding, torch.arange(n))
    value.backward()
    assert value == 0 and embedding.grad is not None and not embedding.grad.any()


def test_classes_of_several_labels_are_pairs_only_where_all_agree() -> None:
    embedding = torch.randn(3, 5)
    labels = torch.tensor([[1.0, 1.0], [1.0, 1.0], [1.0, 0.0]])
    assert torch.allclose(
        supervised_contrastive(embedding, labels), supervised_contrastive(embedding, torch.tensor([0, 0, 1]))
    )


def test_energy_speaks_for_its_class_and_against_the_others() -> None:
    snr = torch.tensor([[9.0, 1.0, 1.0], [1.0, 1.0, 1.0], [float("nan")] * 3])
    against = inconsistency(snr, KINDS)
    assert torch.allclose(evidence(torch.tensor([0.5, 1.0, 2.0, 10.0])), torch.tensor([0.0, 0.0, 0.5, 0.9]))
    assert torch.allclose(against[0], torch.tensor([1 / 9, 1.0, 1.0, 8 / 9]), atol=1e-6)
    assert torch.allclose(against[1], torch.tensor([1.0, 1.0, 1.0, 0.0]))
    assert not against[2].any()


def test_physics_alone_teaches_the_class_whose_frequency_sounds() -> None:
    snr = torch.ones(6, 3)
    snr[torch.arange(6), torch.arange(6) % 3] = 8.0
    logits = torch.zeros(6, 4, requires_grad=True)
    optimizer = torch.optim.Adam([logits], 0.1)
    for _ in range(100):
        optimizer.zero_grad()
        physics(logits, inconsistency(snr, KINDS)).backward()
        optimizer.step()
    assert logits.argmax(1).tolist() == [0, 1, 2, 0, 1, 2]


def test_consistency_is_zero_where_conditions_agree() -> None:
    logits = torch.randn(4, 3).repeat(2, 1)
    target = torch.tensor([0, 0, 1, 1, 0, 0, 1, 1])
    condition = torch.tensor([0] * 4 + [1] * 4)
    assert condition_consistency(logits, target, condition) < 1e-12
    logits[:4] += torch.tensor([3.0, 0, 0])
    assert condition_consistency(logits, target, condition) > 1e-3
    assert condition_consistency(logits, target, torch.full((8,), -1)) == 0


def test_smoothness_looks_at_successive_windows_of_one_recording_only() -> None:
    logits = torch.tensor([[5.0, 0.0], [0.0, 5.0], [5.0, 0.0]])
    p = logits.softmax(1)
    jump = (p[0] - p[1]).square().sum()
    together = temporal_smoothness(logits, torch.tensor([0, 0, 1]), torch.tensor([3, 4, 5]))
    assert torch.allclose(together, jump)
    assert temporal_smoothness(logits, torch.tensor([0, 0, 0]), torch.tensor([0, 2, 4])) == 0


# ---- several terms


def parts(x: Tensor, e: Tensor, y: Tensor) -> dict[str, Callable[[], Tensor]]:
    return {
        MAIN: lambda: cross_entropy(x, y),
        "contrastive": lambda: supervised_contrastive(e, y),
        "smoothness": lambda: TERMS["smoothness"](x, e, y),
    }


def learnt(terms: dict[str, Term], balance: bool = False) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Gradient of the weights of a small network, the loss, and what was told."""
    torch.manual_seed(3)
    body, head = torch.nn.Linear(6, 5), torch.nn.Linear(5, 4)
    target = torch.arange(12) % 4
    embedding = body(torch.randn(12, 6))
    total, told = Objective(terms, balance)(parts(head(embedding), embedding, target), embedding, 3)
    total.backward()
    assert body.weight.grad is not None
    return body.weight.grad, total.detach(), told


@pytest.mark.parametrize("balance", [False, True])
def test_weight_zero_is_the_term_removed_bit_for_bit(balance: bool) -> None:
    without = learnt({MAIN: Term(1.0)}, balance)
    zero = learnt({MAIN: Term(1.0), "contrastive": Term(0.0), "smoothness": Term(0.0, 4)}, balance)
    assert torch.equal(without[0], zero[0]) and torch.equal(without[1], zero[1])
    assert without[2].keys() == zero[2].keys() == {MAIN, f"{MAIN}_gradient"}
    some = learnt({MAIN: Term(1.0), "contrastive": Term(0.1)}, balance)
    assert not torch.equal(some[0], without[0])


def test_a_term_of_weight_zero_is_not_computed() -> None:
    def never() -> Tensor:
        raise AssertionError("computed")

    embedding = torch.randn(3, 2, requires_grad=True)
    Objective({MAIN: Term(1.0), "physics": Term(0.0)})({MAIN: embedding.sum, "physics": never}, embedding, 1)


def test_weights_rise_and_gradients_are_told_and_balanced() -> None:
    assert [Term(2.0, 3).at(e) for e in (1, 2, 4, 9)] == [0.5, 1.0, 2.0, 2.0] and Term(2.0).at(1) == 2.0
    embedding = torch.ones(4, requires_grad=True)
    both: dict[str, Callable[[], Tensor]] = {MAIN: lambda: embedding.sum(), "b": lambda: 10 * embedding[0]}
    total, told = Objective({MAIN: Term(1.0), "b": Term(0.5)}, balance=True)(both, embedding, 1)
    total.backward()
    assert told[f"{MAIN}_gradient"] == 2 and told["b_gradient"] == 10 and told["b"] == 10
    assert embedding.grad is not None and torch.allclose(embedding.grad, torch.tensor([2.0, 1, 1, 1]))


def test_a_loss_without_its_main_term_is_refused() -> None:
    for terms in ({}, {MAIN: Term(0.0)}, {MAIN: Term(1.0), "b": Term(-1.0)}):
        with pytest.raises(ValueError, match="Weights"):
            Objective(terms)
