"""Losses against their formulas in numpy, against smp, and at the edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from torch import Tensor

from src.models.losses import (
    LOSSES,
    BCELoss,
    CombinedLoss,
    DiceLoss,
    FocalLoss,
    IoULoss,
    SegmentationLoss,
    TverskyLoss,
    get_loss_function,
)

NAMES = sorted(LOSSES)
Array = np.ndarray[Any, Any]


def _case(classes: int, seed: int = 0, shape: tuple[int, int, int] = (3, 5, 7)) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    n, h, w = shape
    logits = torch.randn(n, classes, h, w, generator=generator, dtype=torch.float64) * 2
    return logits, torch.randint(0, max(classes, 2), shape, generator=generator)


def _probabilities(logits: Tensor) -> Array:
    x = logits.double().numpy()
    if x.shape[1] == 1:
        return 1 / (1 + np.exp(-x))
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def _one_hot(target: Tensor, classes: int) -> Array:
    t = target.numpy()
    return (t[:, None] if classes == 1 else t[:, None] == np.arange(classes)[None, :, None, None]).astype(
        float
    )


def _region(name: str, p: Array, t: Array, s: float, weights: Array | None = None) -> float:
    """Region losses of arrays N×C×H×W by the definitions in the interface, over the whole batch."""
    axes = (0, 2, 3)
    i, a, b = (p * t).sum(axes), p.sum(axes), t.sum(axes)
    loss = {
        "dice": 1 - (2 * i + s) / (a + b + s),
        "iou": 1 - (i + s) / (a + b - i + s),
        "tversky": 1 - (i + s) / (i + 0.3 * (a - i) + 0.7 * (b - i) + s),
    }[name]
    return float(np.average(loss, weights=weights))


def _true_class(p: Array, t: Array) -> Array:
    """The probability of each pixel's true class, N×H×W."""
    return (p * t + (1 - p) * (1 - t))[:, 0] if p.shape[1] == 1 else (p * t).sum(1)


@pytest.mark.parametrize("classes", [1, 2, 4])
@pytest.mark.parametrize("smooth", [0.0, 1.0, 10.0])
@pytest.mark.parametrize("name", ["dice", "iou", "tversky"])
def test_region_losses_follow_their_formula(name: str, smooth: float, classes: int) -> None:
    logits, target = _case(classes)
    expected = _region(name, _probabilities(logits), _one_hot(target, classes), smooth)
    assert get_loss_function(name, smooth=smooth)(logits, target).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("classes", [1, 2, 4])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_follows_its_formula(gamma: float, classes: int) -> None:
    logits, target = _case(classes)
    p = _true_class(_probabilities(logits), _one_hot(target, classes))
    expected = (-0.25 * (1 - p) ** gamma * np.log(p)).mean()
    assert FocalLoss(0.25, gamma)(logits, target).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("classes", [1, 4])
def test_cross_entropy_follows_its_formula(classes: int) -> None:
    logits, target = _case(classes)
    expected = -np.log(_true_class(_probabilities(logits), _one_hot(target, classes))).mean()
    for name in ("bce", "ce"):
        assert get_loss_function(name)(logits, target).item() == pytest.approx(expected, abs=1e-6)


def test_pos_weight_as_torch_has_it() -> None:
    logits, target = _case(1)
    expected = torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor(3.0))(logits[:, 0], target.double())
    torch.testing.assert_close(BCELoss(pos_weight=3.0)(logits, target), expected.float())
    with pytest.raises(ValueError, match="class_weights"):
        BCELoss(pos_weight=3.0)(*_case(3))


@pytest.mark.parametrize("classes", [1, 4])
@pytest.mark.parametrize("name", NAMES)
def test_ignored_pixels_count_nowhere(name: str, classes: int) -> None:
    """The loss with a column ignored is the loss of the image without the column, whatever stands there."""
    logits, target = _case(classes)
    expected = get_loss_function(name)(logits[..., :-1], target[..., :-1])
    for dtype in (torch.int64, torch.uint8, torch.float32):
        marked = target.clone().to(dtype)
        marked[..., -1] = 255
        poisoned = logits.clone()
        poisoned[..., -1] = float("inf")
        actual = get_loss_function(name, ignore_index=255)(poisoned, marked)
        torch.testing.assert_close(actual, expected)
    negative = target.clone()
    negative[..., -1] = -100
    torch.testing.assert_close(get_loss_function(name, ignore_index=-100)(logits, negative), expected)


@pytest.mark.parametrize("classes", [1, 4])
@pytest.mark.parametrize("per_image", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_everything_ignored_is_zero_with_a_graph(name: str, per_image: bool, classes: int) -> None:
    logits = _case(classes)[0].requires_grad_()
    target = torch.full((3, 5, 7), 11)
    for smooth in ({"smooth": 0.0}, {}) if name in ("dice", "iou", "tversky", "combined") else ({},):
        loss = get_loss_function(name, ignore_index=11, per_image=per_image, **smooth)(logits, target)
        loss.backward()
        assert loss.item() == 0 and logits.grad is not None and not logits.grad.any()


@pytest.mark.parametrize("name", NAMES)
def test_class_weights(name: str) -> None:
    logits, target = _case(3)
    weights = np.array([0.2, 1.0, 3.0])
    p, t = _probabilities(logits), _one_hot(target, 3)
    true, share = _true_class(p, t), weights[target.numpy()]
    region = {n: _region(n, p, t, 1.0, weights) for n in ("dice", "iou", "tversky")}
    entropy = float(np.average(-np.log(true), weights=share))
    expected = {
        **region,
        "jaccard": region["iou"],
        **dict.fromkeys(("bce", "ce", "cross_entropy"), entropy),
        "focal": 0.25 * float(np.average(-((1 - true) ** 2) * np.log(true), weights=share)),
        "combined": 0.5 * region["dice"] + 0.5 * entropy,
    }[name]
    assert get_loss_function(name, class_weights=weights)(logits, target).item() == pytest.approx(
        expected, abs=1e-6
    )
    with pytest.raises(ValueError, match="class weights"):
        get_loss_function(name, class_weights=[1, 1])(logits, target)


def test_class_weights_of_a_binary_problem() -> None:
    logits, target = _case(1)
    p = _true_class(_probabilities(logits), _one_hot(target, 1))
    expected = np.average(-np.log(p), weights=np.array([1.0, 5.0])[target.numpy()])
    assert BCELoss(class_weights=[1, 5])(logits, target).item() == pytest.approx(expected, abs=1e-6)
    with pytest.raises(ValueError, match="nothing to weigh"):
        DiceLoss(class_weights=[1, 5])(logits, target)
    both = CombinedLoss(1, 1, 0, class_weights=[1, 5]).terms(logits, target)
    assert both["dice"].item() == pytest.approx(DiceLoss()(logits, target).item())
    assert both["bce"].item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["dice", "iou", "tversky", "combined", "focal", "ce"])
def test_an_absent_class_costs_its_false_positives(name: str) -> None:
    target = torch.zeros(1, 8, 8, dtype=torch.long)
    quiet = torch.tensor([4.0, -4.0, -4.0]).view(1, 3, 1, 1).expand(1, 3, 8, 8).clone()
    noisy = quiet.clone()
    noisy[:, 2, :4] = 8.0  # a class that is not there
    loss = get_loss_function(name)
    assert loss(noisy, target) > loss(quiet, target) + 0.02
    front = torch.full((1, 1, 8, 8), -6.0)
    alarm = front.clone()
    alarm[..., :4, :] = 6.0
    assert loss(alarm, target) > loss(front, target) + 0.02


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_per_image_is_the_mean_of_the_images(name: str, classes: int) -> None:
    logits, target = _case(classes)
    each = [get_loss_function(name)(logits[i : i + 1], target[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(
        get_loss_function(name, per_image=True)(logits, target), torch.stack(each).mean()
    )
    target[1] = 255
    loss = get_loss_function(name, per_image=True, ignore_index=255)(logits, target)
    torch.testing.assert_close(loss, torch.stack([each[0], each[2]]).mean())


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_gradients(name: str, classes: int) -> None:
    """Autograd against differences; losses compute in float32, hence the step and the tolerance."""
    logits, target = _case(classes, shape=(2, 3, 4))
    logits.requires_grad_()
    loss = get_loss_function(name)
    loss(logits, target).backward()
    assert logits.grad is not None
    direction = torch.randn(logits.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.no_grad():
        ahead, behind = loss(logits + 0.02 * direction, target), loss(logits - 0.02 * direction, target)
    slope = (ahead.double() - behind.double()) / 0.04
    torch.testing.assert_close((logits.grad * direction).sum(), slope, rtol=5e-3, atol=2e-4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_half_precision_is_computed_in_float32(name: str, classes: int, dtype: torch.dtype) -> None:
    """An image of 300×300 overflows a sum in float16; extreme logits must keep value and gradient finite."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(1, classes, 300, 300, generator=generator).to(dtype)
    logits[..., :4] = 6e4
    logits[..., 4:8] = -6e4
    logits.requires_grad_()
    target = torch.randint(0, max(classes, 2), (1, 300, 300), generator=generator, dtype=torch.uint8)
    loss = get_loss_function(name)(logits, target)
    loss.backward()
    assert loss.dtype == torch.float32 and loss.isfinite()
    assert logits.grad is not None and logits.grad.isfinite().all()
    reference = get_loss_function(name)(logits.detach().float(), target)
    torch.testing.assert_close(loss.detach(), reference)


@pytest.mark.parametrize("name", NAMES)
def test_soft_targets(name: str) -> None:
    logits, target = _case(1)
    loss = get_loss_function(name)
    torch.testing.assert_close(loss(logits, target), loss(logits, target.float()))
    torch.testing.assert_close(loss(logits, target), loss(logits, target.unsqueeze(1).to(torch.uint8)))
    assert loss(logits, target.float() * 0.9 + 0.05).isfinite()
    logits, target = _case(3)
    hard = torch.nn.functional.one_hot(target, 3).permute(0, 3, 1, 2).float()
    torch.testing.assert_close(loss(logits, hard), loss(logits, target))
    # a mixture of two targets costs the mixture for losses that are linear in them
    if name in ("bce", "ce", "focal"):
        other = torch.roll(hard, 1, 0)
        mixed = loss(logits, 0.3 * hard + 0.7 * other)
        torch.testing.assert_close(mixed, 0.3 * loss(logits, hard) + 0.7 * loss(logits, other))


def test_agrees_with_smp_where_definitions_agree() -> None:
    logits, target = _case(1)
    modes = smp.losses
    pairs: list[tuple[SegmentationLoss, Any, int]] = [
        (DiceLoss(0.0), modes.DiceLoss("binary", smooth=0.0), 1),
        (IoULoss(0.0), modes.JaccardLoss("binary", smooth=0.0), 1),
        (DiceLoss(0.0), modes.DiceLoss("multiclass", smooth=0.0), 3),
        (IoULoss(0.0), modes.JaccardLoss("multiclass", smooth=0.0), 3),
        (TverskyLoss(0.4, 0.6, 0.0), modes.TverskyLoss("multiclass", alpha=0.4, beta=0.6), 3),
        (FocalLoss(1.0, 2.0), modes.FocalLoss("binary", alpha=None, gamma=2.0), 1),
    ]
    for ours, theirs, classes in pairs:
        logits, target = _case(classes)
        reference = theirs(logits.float(), target)
        torch.testing.assert_close(ours(logits, target), reference.float(), msg=lambda m: f"{ours}: {m}")  # noqa: B023


def test_combined_terms() -> None:
    logits, target = _case(1)
    loss = CombinedLoss(
        dice_weight=0.5, bce_weight=2.0, focal_weight=1.5, iou_weight=0.25, tversky_weight=0.75
    )
    terms = loss.terms(logits, target)
    assert list(terms) == ["dice", "bce", "focal", "iou", "tversky", "total"]
    expected = 0.5 * terms["dice"] + 2 * terms["bce"] + 1.5 * terms["focal"]
    expected = expected + 0.25 * terms["iou"] + 0.75 * terms["tversky"]
    torch.testing.assert_close(terms["total"], expected)
    torch.testing.assert_close(loss(logits, target), expected)
    for name in ("dice", "bce", "focal", "iou", "tversky"):
        torch.testing.assert_close(terms[name], get_loss_function(name)(logits, target))
    assert list(CombinedLoss(1, 0, 0).terms(logits, target)) == ["dice", "total"]
    assert set(DiceLoss().terms(logits, target)) == {"dice", "total"}
    assert not CombinedLoss(class_weights=[1, 2], pos_weight=2).state_dict()


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_reads_a_value_back(name: str, classes: int) -> None:
    """On the meta device nothing can be read back, so a hidden `.item()` or a mask as index raises."""
    options: dict[str, Any] = {"ignore_index": 255}
    if classes > 1:
        options["class_weights"] = [1.0] * classes
    loss = get_loss_function(name, **options).to("meta")
    logits = torch.empty(2, classes, 8, 8, device="meta", requires_grad=True)
    loss(logits, torch.empty(2, 8, 8, device="meta", dtype=torch.long)).backward()
    loss.terms(logits, torch.empty(2, 8, 8, device="meta", dtype=torch.long))


def test_mistakes_are_named() -> None:
    logits, target = _case(1)
    with pytest.raises(ValueError, match=r"Did you mean .*dice"):
        get_loss_function("dise")
    with pytest.raises(ValueError, match=r"no option 'smoth'. Did you mean smooth"):
        get_loss_function("dice", smoth=1)
    with pytest.raises(ValueError, match="do not fit"):
        DiceLoss()(logits, target[..., :-1])
    with pytest.raises(ValueError, match="one channel"):
        DiceLoss(mode="binary")(*_case(3))
    with pytest.raises(ValueError, match="two channels"):
        DiceLoss(mode="multiclass")(logits, target)
    for build in (
        lambda: CombinedLoss(0, 0, 0),
        lambda: CombinedLoss(-1, 1),
        lambda: DiceLoss(-1.0),
        lambda: FocalLoss(gamma=-1),
        lambda: BCELoss(pos_weight=0.0),
        lambda: BCELoss(class_weights=[0, 0]),
        lambda: DiceLoss(mode="binar"),  # type: ignore[arg-type]
        lambda: TverskyLoss(-0.1),
    ):
        with pytest.raises(ValueError):
            build()


def test_a_network_learns_from_each_loss() -> None:
    target = (torch.arange(16 * 16).view(1, 16, 16) % 16 > 9).long()
    for name in NAMES:
        logits = torch.zeros(1, 1, 16, 16, requires_grad=True)
        optimiser = torch.optim.Adam([logits], lr=0.3)
        loss = get_loss_function(name)
        for _ in range(20):
            optimiser.zero_grad()
            loss(logits, target).backward()
            optimiser.step()
        assert ((logits[:, 0] > 0).long() == target).all(), name
