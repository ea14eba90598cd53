"""MixUp, CutMix, label smoothing, stochastic depth and drop-out against their definitions; at 0 nothing changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from src.models.losses import BCELoss, CombinedLoss, get_loss_function
from src.models.mixing import Mixing, cut_mix, mix_up, rectangle
from src.models.segmentation_models import UnsupportedCombinationError, build_model
from src.models.stochastic_depth import set_stochastic_depth

SMALL = "tu-mobilenetv3_small_100"


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    mask = torch.randint(0, 3, (4, 8, 10), generator=draw, dtype=torch.uint8)
    mask[1, :2] = 255
    return torch.randn(4, 3, 8, 10, generator=draw), mask


# ---- mixing


def test_mixup_blends_each_image_with_another_and_keeps_both_truths(
    batch: tuple[torch.Tensor, torch.Tensor],
) -> None:
    image, mask = batch
    mixed = mix_up(image, mask, 1, 0.3)
    for n in range(4):
        assert torch.allclose(mixed.image[n], 0.3 * image[n] + 0.7 * image[n - 1], atol=1e-6)
        assert mixed.other is not None and torch.equal(mixed.other[n], mask[n - 1])
    assert torch.equal(mixed.mask, mask) and mixed.share == 0.3
    known = mixed.known(255)
    assert not known[1, :2].any() and not known[2, :2].any() and known[0].all() and known[3].all()


def test_the_mixed_loss_is_that_of_soft_targets_for_the_cross_entropy(
    batch: tuple[torch.Tensor, torch.Tensor],
) -> None:
    image, mask = batch
    mask = mask.clamp_max(2)
    logits = torch.randn(4, 3, 8, 10, generator=torch.Generator().manual_seed(2))
    mixed = mix_up(image, mask, 2, 0.4)
    assert mixed.other is not None
    loss = BCELoss()
    two = 0.4 * loss(logits, mixed.mask) + 0.6 * loss(logits, mixed.other)
    soft = 0.4 * F.one_hot(mask.long(), 3) + 0.6 * F.one_hot(mixed.other.long(), 3)
    assert torch.allclose(two, loss(logits, soft.permute(0, 3, 1, 2).float()), atol=1e-6)


def test_cutmix_takes_image_and_mask_of_the_same_rectangle(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    image, mask = batch
    before = image.clone(), mask.clone()
    mixed = cut_mix(image, mask, 3, (2, 1, 6, 9))
    inside = torch.zeros(8, 10, dtype=torch.bool)
    inside[2:6, 1:9] = True
    for n in range(4):
        partner = (n - 3) % 4
        assert torch.equal(mixed.image[n], torch.where(inside, image[partner], image[n]))
        assert torch.equal(mixed.mask[n], torch.where(inside, mask[partner], mask[n]))
    assert mixed.other is None and torch.equal(image, before[0]) and torch.equal(mask, before[1])


def test_the_rectangle_has_the_asked_area_on_average_before_the_border_cuts_it() -> None:
    rng = np.random.default_rng(0)
    boxes = [rectangle(100, 200, 0.04, rng) for _ in range(500)]
    inner = [
        (low - top, right - left)
        for top, left, low, right in boxes
        if top and left and low < 100 and right < 200
    ]
    assert all(19 <= tall <= 21 and 39 <= wide <= 41 for tall, wide in inner) and len(inner) > 250
    assert all(0 <= top <= low <= 100 and 0 <= left <= right <= 200 for top, left, low, right in boxes)


def test_mixing_is_a_function_of_seed_and_place_alone(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    def run(seed: int, place: tuple[int, ...]) -> torch.Tensor:
        torch.manual_seed(seed + 99)
        return Mixing(0.5, 0.5, seed=seed)(*batch, place).image

    assert torch.equal(run(1, (3, 7, 0)), run(1, (3, 7, 0)))
    others = [run(1, (3, 8, 0)), run(1, (4, 7, 0)), run(2, (3, 7, 0)), run(1, (3, 7, 1))]
    assert not any(torch.equal(run(1, (3, 7, 0)), other) for other in others)
    state = torch.get_rng_state()
    Mixing(1.0, 0.0)(*batch, (1, 2))
    assert torch.equal(state, torch.get_rng_state())  # drop-out goes on as without it


def test_as_many_batches_are_mixed_as_asked_for(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    mixing = Mixing(0.3, 0.2, mixup_alpha=5.0)
    found = [mixing(*batch, (1, n)) for n in range(600)]
    blended = sum(m.other is not None for m in found)
    cut = sum(m.other is None and m.image is not batch[0] for m in found)
    assert 140 < blended < 220 and 85 < cut < 155
    shares = [m.share for m in found if m.other is not None]
    assert np.mean(shares) == pytest.approx(0.5, abs=0.04)
    assert np.var(shares) == pytest.approx(1 / (4 * (2 * 5 + 1)), rel=0.25)  # of Beta(α, α)


def test_one_image_is_not_mixed_and_too_large_shares_are_refused(
    batch: tuple[torch.Tensor, torch.Tensor],
) -> None:
    one = batch[0][:1], batch[1][:1]
    assert Mixing(1.0, 0.0)(*one, (1, 1)).image is one[0]
    with pytest.raises(ValueError, match="add up to 1"):
        Mixing(0.7, 0.5)


# ---- label smoothing


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
def test_smoothed_cross_entropy_is_that_of_torch(
    smoothing: float, batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    logits = torch.randn(4, 3, 8, 10, generator=torch.Generator().manual_seed(2))
    mask = batch[1]
    ours = BCELoss(label_smoothing=smoothing, ignore_index=255)(logits, mask)
    assert torch.allclose(
        ours, F.cross_entropy(logits, mask.long(), ignore_index=255, label_smoothing=smoothing), atol=1e-6
    )
    hot = F.one_hot(mask.long().clamp_max(2), 3).permute(0, 3, 1, 2).float()
    hot = torch.where((mask == 255)[:, None], 255.0, hot)
    assert torch.allclose(BCELoss(label_smoothing=smoothing, ignore_index=255)(logits, hot), ours, atol=1e-6)


def test_in_a_binary_problem_the_background_is_a_class_too(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    logits = torch.randn(4, 1, 8, 10, generator=torch.Generator().manual_seed(2))
    mask = torch.where(batch[1] == 255, batch[1], batch[1].clamp_max(1))
    ours = BCELoss(label_smoothing=0.2, ignore_index=255)(logits, mask)
    two = torch.cat([torch.zeros_like(logits), logits], 1)
    assert torch.allclose(
        ours, F.cross_entropy(two, mask.long(), ignore_index=255, label_smoothing=0.2), atol=1e-6
    )


def test_smoothing_never_makes_object_the_best_answer_for_background() -> None:
    """The weight of rare objects goes by the true class, and not to the share that smoothing gives to the others."""
    for truth, best in ((0, 0.1), (1, 0.9)):
        mask = torch.full((1, 4, 4), truth, dtype=torch.uint8)
        loss = BCELoss(pos_weight=30.0, label_smoothing=0.2, ignore_index=255)
        tried = torch.linspace(0.02, 0.98, 97)
        values = [float(loss(torch.logit(p).expand(1, 1, 4, 4), mask)) for p in tried]
        assert float(tried[values.index(min(values))]) == pytest.approx(best, abs=0.006)
        plain = BCELoss(label_smoothing=0.2, ignore_index=255)(torch.zeros(1, 1, 4, 4), mask)
        ours = loss(torch.zeros(1, 1, 4, 4), mask)
        assert float(ours) == pytest.approx(float(plain) * (30 if truth else 1), rel=1e-6)


def test_without_smoothing_the_combined_loss_is_bit_for_bit_the_same(
    batch: tuple[torch.Tensor, torch.Tensor],
) -> None:
    logits = torch.randn(4, 3, 8, 10, generator=torch.Generator().manual_seed(2))
    plain, zero = CombinedLoss(ignore_index=255), CombinedLoss(ignore_index=255, label_smoothing=0.0)
    assert torch.equal(plain(logits, batch[1]), zero(logits, batch[1]))
    smoothed = CombinedLoss(ignore_index=255, label_smoothing=0.1).terms(logits, batch[1])
    assert torch.equal(smoothed["dice"], plain.terms(logits, batch[1])["dice"])
    assert not torch.equal(smoothed["bce"], plain.terms(logits, batch[1])["bce"])
    with pytest.raises(ValueError, match="label_smoothing"):
        get_loss_function("bce", label_smoothing=1.0)


# ---- stochastic depth and drop-out


def test_a_branch_that_is_always_left_out_leaves_the_input_of_its_block() -> None:
    model = build_model("unet", "resnet18", None)
    blocks = set_stochastic_depth(model.encoder, 0.999999)
    assert blocks == 8
    block = model.encoder.layer4[-1].train()
    x = torch.rand(2, 512, 4, 4)
    assert torch.equal(block(x), x)  # relu of a positive input
    assert not torch.equal(block.eval()(x), x)


def test_the_rate_grows_linearly_and_what_remains_is_scaled() -> None:
    torch.manual_seed(0)
    model = build_model("unet", "resnet18", None, stochastic_depth=0.5)
    last = model.encoder.layer4[-1].bn2.train()
    ones = torch.ones(4000, 512, 1, 1)
    torch.nn.init.zeros_(last.weight), torch.nn.init.ones_(last.bias)
    seen = last(ones)[:, 0, 0, 0]
    assert set(seen.tolist()) == {0.0, 2.0} and (seen == 0).float().mean() == pytest.approx(0.5, abs=0.03)
    middle = model.encoder.layer2[1].bn2.train()  # block 3 of 0..7
    torch.nn.init.zeros_(middle.weight), torch.nn.init.ones_(middle.bias)
    seen = middle(torch.ones(4000, 128, 1, 1))[:, 0, 0, 0]
    assert (seen == 0).float().mean() == pytest.approx(0.5 * 3 / 7, abs=0.03)


@pytest.mark.parametrize(
    ("encoder", "probe"), [(SMALL, "drop_path"), ("mit_b0", "drop_path"), ("efficientnet-b0", "")]
)
def test_encoders_of_timm_and_smp_take_the_rate(encoder: str, probe: str) -> None:
    model = build_model("fpn", encoder, None, stochastic_depth=0.25)
    if not probe:
        assert model.encoder._drop_connect_rate == 0.25
        return
    rates = [
        m.drop_prob for n, m in model.encoder.named_modules() if n.endswith(probe) and hasattr(m, "drop_prob")
    ]
    assert rates[-1] == 0.25 and rates == sorted(rates) and 0 < rates[0] < 0.1
    still = build_model("fpn", encoder, None, stochastic_depth=0.0)
    assert not [m for m in still.encoder.modules() if getattr(m, "drop_prob", 0)]


def test_at_0_and_in_evaluation_nothing_changes_and_the_state_dict_never_does() -> None:
    def made(**options: Any) -> torch.nn.Module:
        torch.manual_seed(3)
        return build_model("unet", "resnet18", None, **options)

    plain, zero, strong = (
        made(),
        made(stochastic_depth=0.0, dropout=0.0),
        made(stochastic_depth=0.6, dropout=0.6),
    )
    assert list(plain.state_dict()) == list(strong.state_dict())
    x = torch.randn(2, 3, 32, 32)
    for model in (zero, strong):
        assert torch.equal(plain.eval()(x), model.eval()(x))
    outputs = []
    for model in (plain, zero, strong):
        torch.manual_seed(4)
        outputs.append(model.train()(x))
    assert torch.equal(outputs[0], outputs[1]) and not torch.equal(outputs[0], outputs[2])


def test_an_encoder_without_residual_blocks_says_so() -> None:
    with pytest.raises(UnsupportedCombinationError, match="vgg11 has no residual"):
        build_model("unet", "vgg11", None, stochastic_depth=0.1)
    build_model("unet", "vgg11", None, stochastic_depth=0.0)


@pytest.mark.parametrize("architecture", ["unet", "fpn", "deeplabv3plus", "pspnet", "segformer"])
def test_dropout_acts_in_every_architecture(architecture: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 64, 64)
    model = build_model(architecture, SMALL, None, dropout=0.5)
    model.eval()
    assert torch.equal(model(x), model(x))
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout | torch.nn.Dropout2d):
            module.train()
    model.training = True
    assert not torch.equal(model(x), model(x))
