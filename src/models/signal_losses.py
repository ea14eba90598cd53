"""Losses of classifiers of signals: classes that exclude each other (softmax) or not (a sigmoid each).

Targets are class numbers, int N, or, where several classes may hold at once and where truths are blended, float N×C.
All compute in float32 whatever they are given, give a float32 scalar, and never make the host wait for the device.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def as_shares(target: Tensor, classes: int) -> Tensor:
    """Class numbers N as one-hot float32 N×C; shares N×C as they are.

    Raises:
        ValueError: The shares are of another number of classes.
    """
    if target.ndim == 1:
        return F.one_hot(target.long(), classes).float()
    if target.shape[-1] != classes:
        raise ValueError(f"The targets have {target.shape[-1]} classes and the logits {classes}.")
    return target.float()


def probabilities(logits: Tensor, multi_label: bool) -> Tensor:
    """Of each class, float32 N×C: they add up to one unless several classes may hold at once."""
    return logits.float().sigmoid() if multi_label else logits.float().softmax(1)


def cross_entropy(
    logits: Tensor, target: Tensor, multi_label: bool = False, smoothing: float = 0.0, weights: Tensor | None = None
) -> Tensor:  # fmt: skip
    """Mean (binary) cross-entropy.

    Args:
        logits: N×C.
        target: Int N or float N×C.
        multi_label: Each class by itself.
        smoothing: This share of each truth goes to all classes alike (Szegedy et al. 2016, arXiv:1512.00567); of a class by
            itself, to its being there and not.
        weights: Of the classes, C; the mean over the samples is divided by the sum of the weights of their truths.
    """
    logits = logits.float()
    truth = as_shares(target, logits.shape[1])
    of_class = torch.ones_like(truth) if weights is None else weights.to(truth).expand_as(truth)
    if multi_label:
        smooth = truth * (1 - smoothing) + smoothing / 2
        each = F.binary_cross_entropy_with_logits(logits, smooth, reduction="none")
        return (each * of_class).sum() / of_class.sum()
    smooth = truth * (1 - smoothing) + smoothing / truth.shape[1]
    # a sample counts as its true class does, also with the share that smoothing gives to the others
    of_sample = (truth * of_class).sum(1)
    each = -(smooth * logits.log_softmax(1)).sum(1)
    return (each * of_sample).sum() / of_sample.sum().clamp_min(1e-12)


def focal(logits: Tensor, target: Tensor, gamma: float = 2.0, multi_label: bool = False,
          weights: Tensor | None = None) -> Tensor:  # fmt: skip
    """``-(1 - p)^γ log p``, p the probability of what is true; mean (Lin et al. 2017, arXiv:1708.02002).

    ``weights`` (C) are the paper's α: the mean is over the samples, not over their weights. γ = 0 is the cross-entropy.
    """
    logits = logits.float()
    truth = as_shares(target, logits.shape[1])
    alpha = torch.ones_like(truth) if weights is None else weights.to(truth).expand_as(truth)
    if multi_label:
        log_p, log_not = F.logsigmoid(logits), F.logsigmoid(-logits)
        there = -truth * (1 - log_p.exp()).clamp_min(0) ** gamma * log_p
        absent = -(1 - truth) * (1 - log_not.exp()).clamp_min(0) ** gamma * log_not
        return (alpha * (there + absent)).mean()
    log_p = logits.log_softmax(1)
    # 1 - p as the sum of the others: exact where p is nearly one, so that the gradient of the power stays finite
    rest = (1 - log_p.exp()).clamp_min(1e-7) if gamma else torch.ones_like(log_p)
    return -(alpha * truth * rest**gamma * log_p).sum(1).mean()


def supervised_contrastive(embedding: Tensor, target: Tensor, temperature: float = 0.1) -> Tensor:
    """L_out of Khosla et al. 2020 (arXiv:2004.11362, equation 2): samples of one class close, of others far.

    For an anchor i with positives P(i), all other samples A(i) and unit vectors z:
    ``-1/|P(i)| Σ_p log( exp(z_i·z_p/τ) / Σ_a exp(z_i·z_a/τ) )``, mean over the anchors that have a positive.

    Args:
        embedding: N×D, of any length each; made unit vectors here.
        target: Int N, or float N×C: then positives have the same classes throughout.
        temperature: τ, above 0.

    Returns:
        Zero, with a gradient of zero, where no two samples share their class.
    """
    if temperature <= 0:
        raise ValueError(f"The temperature must be positive, not {temperature}.")
    z = F.normalize(embedding.float().flatten(1), dim=1)
    if len(z) < 2:  # nothing to compare; the sum keeps the graph
        return z.sum() * 0
    others = ~torch.eye(len(z), dtype=torch.bool, device=z.device)
    rows = target.reshape(len(z), -1)
    positive = (rows[:, None] == rows[None]).all(2) & others
    with torch.autocast(z.device.type, enabled=False):
        products = z @ z.T
    similar = (products / temperature).masked_fill(~others, -torch.inf)
    log_share = similar - similar.logsumexp(1, keepdim=True)
    count = positive.sum(1)
    each = -log_share.masked_fill(~positive, 0.0).sum(1) / count.clamp_min(1)
    has = (count > 0).float()
    return (each * has).sum() / has.sum().clamp_min(1)


def evidence(snr: Tensor) -> Tensor:
    """How much energy stands out at the frequencies of each kind of fault: ``1 - 1/max(1, snr)``, from 0 to below 1.

    Args:
        snr: Largest amplitude at the fault's lines over the median amplitude around them, N×K.
    """
    return 1 - 1 / snr.float().clamp_min(1)


def inconsistency(snr: Tensor, kinds: Tensor) -> Tensor:
    """How much the energy that was found speaks against each class, N×C from 0 to 1.

    A class with frequencies of its own is spoken against by their silence; one without (normal) by the loudest of all.

    Args:
        snr: N×K of the kinds of fault, each at its frequencies at the sample's own speed; NaN where these are not known:
            nothing then speaks against anything.
        kinds: For each class the column of its fault, or -1; int C.
    """
    known = torch.isfinite(snr)
    found = evidence(torch.where(known, snr, torch.ones_like(snr)))
    against = torch.where(known, 1 - found, torch.zeros_like(found))
    own = against[:, kinds.clamp_min(0)]
    none = found.amax(1, keepdim=True).expand_as(own)
    return torch.where(kinds >= 0, own, none)


def physics(logits: Tensor, against: Tensor, multi_label: bool = False) -> Tensor:
    """Expected inconsistency: the mean of ``Σ_c p_c · against_c`` over the samples, of `inconsistency`."""
    return (probabilities(logits, multi_label) * against.float()).sum(1).mean()


def condition_consistency(
    logits: Tensor, target: Tensor, condition: Tensor, multi_label: bool = False
) -> Tensor:
    """How far the mean prediction of a class differs between operating conditions (load, speed).

    The mean squared distance of the means over each condition from their common mean, for each class; mean over the
    classes that were seen under two conditions or more. A batch without such a class gives zero.

    Args:
        logits: N×C.
        target: Int N or float N×C.
        condition: Number of each sample's condition, int N; -1 where it is not known (the sample takes no part).
        multi_label: Each class by itself.
    """
    p = probabilities(logits, multi_label)
    truth = as_shares(target, logits.shape[1])
    numbers = condition.unique()  # sorted: the sums have one order
    member = (condition[:, None] == numbers[None]) & (numbers >= 0)
    weight = truth[:, :, None] * member[:, None].float()  # N×C×O
    mass = weight.sum(0)
    with torch.autocast(p.device.type, enabled=False):
        mean = torch.einsum("nco,nd->cod", weight, p) / mass.clamp_min(1e-6)[..., None]
    there = (mass > 0).float()
    count = there.sum(1)
    centre = (mean * there[..., None]).sum(1) / count.clamp_min(1)[:, None]
    spread = ((mean - centre[:, None]).square().sum(2) * there).sum(1) / count.clamp_min(1)
    several = (count > 1).float()
    return (spread * several).sum() / several.sum().clamp_min(1)


def temporal_smoothness(
    logits: Tensor, recording: Tensor, place: Tensor, multi_label: bool = False
) -> Tensor:
    """Mean squared change of the prediction from a window to the next one of its recording, over the pairs of the batch.

    Args:
        logits: N×C.
        recording: Number of each window's recording, int N.
        place: Number of each window in its recording, in the order of time, int N.
        multi_label: Each class by itself.

    Returns:
        Zero, with a gradient of zero, where no two windows follow each other.
    """
    p = probabilities(logits, multi_label)
    follows = (recording[:, None] == recording[None]) & (place[None] - place[:, None] == 1)
    apart = (p[:, None] - p[None]).square().sum(2)
    return (apart * follows).sum() / follows.sum().clamp_min(1)
