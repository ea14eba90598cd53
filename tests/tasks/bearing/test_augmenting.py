"""Augmentation, mixing and attack in training batches: what they change, and that seed, epoch and window decide it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from src.core.config.fields import options
from src.core.config.training import RunConfig
from src.tasks.bearing.adversarial import Attack
from src.tasks.bearing.augmentation_config import AugmentationConfig
from src.tasks.bearing.augmenting import Augmenter
from src.tasks.bearing.config import BearingConfig
from src.tasks.bearing.inputs import InputMaker
from src.tasks.bearing.learning_config import InputsConfig
from src.tasks.bearing.mixed import OTHER, SHARE
from src.tasks.bearing.signals import AUGMENTATIONS
from src.tasks.bearing.task import BearingTask
from tests.tasks.bearing.made import CPU, RATE, same, wave

#: Every option that changes single windows, with a value at which it acts.
SINGLE = {
    "shift": 0.3, "noise_snr": 0.0, "jitter": 0.5, "amplitude": 12.0, "time_mask": 0.3, "policy": 2, "mask_frequencies": 0.5,
    "mask_times": 0.5, "patch_drop": 0.3, "time_jitter": 0.1, "permutation": 4,
}  # fmt: skip
MIXING = (
    "training.regularisation.mixup=1",
    "training.regularisation.cutmix=1",
    "training.regularisation.adversarial=0.1",
)
VIEWS = ("inputs.lines=false", "inputs.raw=true", "inputs.stft=true", "inputs.picture_side=32")


def augmented(name: str) -> str:
    return f"data.augmentation.{name}={SINGLE[name]}"


def batches(task: BearingTask, epoch: int = 1) -> list[dict[str, Any]]:
    loader, _ = task.build_loaders(CPU)
    found = list(loader.epoch(epoch))
    loader.close()
    return found


def test_every_option_is_tried_here_and_what_breaks_the_period_says_so_and_is_off() -> None:
    fields = {
        o.key.rpartition(".")[2]: o for o in options(BearingConfig) if o.key.startswith("data.augmentation.")
    }
    assert set(fields) - {"probability", "policy_strength"} == set(SINGLE)
    assert all(not fields[name].default for name in SINGLE)
    for name in ("patch_drop", "time_jitter", "permutation"):
        assert "Breaks" in fields[name].help and AUGMENTATIONS[name].breaks
    for name in ("noise_snr", "jitter", "amplitude", "time_mask", "policy"):
        assert "Breaks" not in fields[name].help
    mixing = {
        o.key.rpartition(".")[2]: o
        for o in options(BearingConfig)
        if o.key.startswith("training.regularisation.")
    }
    assert not any(mixing[name].default for name in ("mixup", "cutmix", "adversarial"))
    assert "Breaks" in mixing["cutmix"].help and "times as long" in mixing["adversarial"].help


@pytest.mark.parametrize("name", SINGLE)
def test_each_changes_training_windows_anew_in_each_epoch_and_no_others(
    make_task: Callable[..., BearingTask], name: str
) -> None:
    key = "input:stft" if name.startswith("mask") else "input:raw"
    view = "inputs.stft=true" if name.startswith("mask") else "inputs.raw=true"
    task = make_task("inputs.lines=false", view, augmented(name))
    task.build_loaders(CPU)
    plain = task.window_set("train").batch(1, range(0, 70, 5))[key]
    first, again, later = (task.window_set("train", True).batch(e, range(0, 70, 5))[key] for e in (1, 1, 2))
    assert torch.equal(first, again)
    for one, other in ((plain, first), (first, later)):
        assert (one != other).flatten(1).any(1).double().mean() > 0.7
    assert same(task.val_set.batch(1, [0, 1]), task.val_set.batch(2, [0, 1])), "validation stays as it is"


def test_all_together_with_mixing_give_the_same_bytes_whatever_the_threads_and_the_first_batch(
    make_task: Callable[..., BearingTask],
) -> None:
    more = (
        *VIEWS,
        *map(augmented, SINGLE),
        "training.regularisation.mixup=0.5",
        "training.regularisation.cutmix=0.5",
    )
    first, threads = (batches(make_task(*more, f"inputs.workers={workers}"), 2) for workers in (0, 3))
    assert len(first) > 3 and all(same(a, b) for a, b in zip(first, threads, strict=True))
    loader, _ = make_task(*more).build_loaders(CPU)
    assert all(same(a, b) for a, b in zip(first[2:], loader.epoch(2, start_batch=2), strict=True))
    assert any(SHARE in batch for batch in first)


def test_only_the_share_of_windows_that_was_asked_for_is_changed(
    make_task: Callable[..., BearingTask],
) -> None:
    plain = make_task(*VIEWS)
    half = make_task(*VIEWS, augmented("noise_snr"), "data.augmentation.probability=0.5")
    plain.build_loaders(CPU), half.build_loaders(CPU)
    count = len(plain.train_set)
    one, other = (t.train_set.batch(1, range(count))["input:raw"] for t in (plain, half))
    share = (one != other).flatten(1).any(1).double().mean()
    assert 0.25 < share < 0.75


def test_noise_has_the_stated_ratio_in_what_the_network_sees() -> None:
    augmenter = Augmenter(AugmentationConfig(noise_snr=0.0), seed=0)
    signal = wave("inner", 1)
    noisy = InputMaker(InputsConfig(lines=False, raw=True), RATE, None)(
        augmenter.changed(signal, augmenter.rng(1, 7)), 0.0
    )
    assert np.corrcoef(noisy["raw"][0], signal)[0, 1] == pytest.approx(2**-0.5, abs=0.03)


def test_masks_fill_with_the_mean_of_the_picture() -> None:
    augmenter = Augmenter(AugmentationConfig(mask_frequencies=0.5, mask_times=0.5), seed=0)
    plain = InputMaker(InputsConfig(lines=False, stft=True, raw=True), RATE, None)(
        wave("inner", 1)[:2000], 0.0
    )
    masked = augmenter.mask(plain, np.random.default_rng(3))
    changed = masked["stft"] != plain["stft"]
    assert (
        changed.any()
        and not changed.all()
        and np.allclose(masked["stft"][changed], plain["stft"].mean(), atol=1e-6)
    )
    assert masked["raw"] is plain["raw"]


# ---- mixing


def test_mixup_blends_what_the_network_sees_and_keeps_both_truths(
    make_task: Callable[..., BearingTask],
) -> None:
    task, plain = make_task(MIXING[0], "training.regularisation.mixup_alpha=5"), make_task()
    for batch, alone in zip(batches(task), batches(plain), strict=True):
        share = batch[SHARE]
        shift = next(
            k for k in range(1, len(batch["index"])) if torch.allclose(
                batch["input:lines"],
                share * alone["input:lines"] + (1 - share) * alone["input:lines"].roll(k, 0), atol=1e-5,
            )
        )  # fmt: skip
        assert 0 < share < 1
        for name in ("target", "recording", "place", "condition", "snr"):
            assert torch.equal(batch[OTHER + name], alone[name].roll(shift, 0))
            assert torch.equal(batch[name], alone[name])


def test_cutmix_takes_one_stretch_from_another_window(make_task: Callable[..., BearingTask]) -> None:
    raw = ("inputs.lines=false", "inputs.raw=true")
    task, plain = make_task(*raw, MIXING[1]), make_task(*raw)
    for batch, alone in zip(batches(task), batches(plain), strict=True):
        share, (n, _, length) = batch[SHARE], batch["input:raw"].shape
        shift = next(k for k in range(1, n) if torch.equal(batch["other:recording"], alone["recording"].roll(k, 0))
                     and torch.equal(batch["other:place"], alone["place"].roll(k, 0)))  # fmt: skip
        for k in range(n):
            # standardised once more after the cut: the same up to a factor and an offset
            mixed, own, other = (
                x[0].double().numpy()
                for x in (batch["input:raw"][k], alone["input:raw"][k], alone["input:raw"][k - shift])
            )
            fits = [line_fits(mixed, own), line_fits(mixed, other)]
            assert max(fits) > 0.02 and sum(fits) == pytest.approx(1, abs=0.05)
            assert fits[0] == pytest.approx(share, abs=0.05) or share in (0.0, 1.0)
        assert torch.equal(batch["snr"], batch["other:snr"]) and length == task.full_size


def line_fits(mixed: np.ndarray, plain: np.ndarray) -> float:
    """Share of the samples at which one is the other times a factor plus an offset, both those of most samples."""
    best = 0.0
    rng = np.random.default_rng(0)
    for _ in range(60):
        k = int(rng.integers(0, len(mixed) - 40))
        if np.ptp(plain[k : k + 40]) < 1e-6:
            continue
        slope, offset = np.polyfit(plain[k : k + 40], mixed[k : k + 40], 1)
        best = max(
            best, float(np.mean(np.abs(plain * slope + offset - mixed) < 1e-3)) if 0.5 < slope < 2 else 0.0
        )
    return best


def test_the_loss_of_a_mixed_batch_is_that_of_both_truths_by_their_shares(
    make_task: Callable[..., BearingTask],
) -> None:
    terms = [f"training.loss.{t}=0.5" for t in ("contrastive", "physics", "consistency", "smoothness")]
    task = make_task(*terms, "training.loss.warmup=0", MIXING[0], "training.regularisation.mixup_alpha=5")
    loader, _ = task.build_loaders(CPU)
    model = task.build_model().eval()
    batch = next(iter(loader.epoch(1)))
    share = batch[SHARE]
    alone = {k: v for k, v in batch.items() if k != SHARE}
    swapped = alone | {k[len(OTHER) :]: v for k, v in batch.items() if k.startswith(OTHER)}
    mixed, own, other = (task.training_step(model, b) for b in (batch, alone, swapped))
    assert mixed.loss.item() == pytest.approx(
        share * own.loss.item() + (1 - share) * other.loss.item(), rel=1e-4
    )
    for term in ("classification", "contrastive", "physics"):
        expected = share * own.terms[term] + (1 - share) * other.terms[term]
        assert mixed.terms[term].item() == pytest.approx(expected.item(), rel=1e-4)


def test_more_mixing_than_batches_is_said_before_training() -> None:
    from src.tasks.bearing.learning import check_learning

    config = BearingConfig.model_validate({"training": {"regularisation": {"mixup": 0.7, "cutmix": 0.7}}})
    assert "mixing-share" in {f.code for f in check_learning(config, None)}
    assert "option.no_effect" in {
        f.code
        for f in check_learning(
            BearingConfig.model_validate({"data": {"augmentation": {"mask_times": 0.1}}}), None
        )
    }
    assert isinstance(config, RunConfig)


# ---- attack


def test_the_attack_moves_each_input_by_its_deviation_and_raises_the_loss(
    make_task: Callable[..., BearingTask],
) -> None:
    task = make_task("inputs.raw=true", "inputs.envelope=true")
    loader, _ = task.build_loaders(CPU)
    torch.manual_seed(0)
    model = task.build_model().eval()
    batch = next(iter(loader.epoch(1)))
    lowered = task._loss_of(True)

    def loss_of(moved: dict[str, Any]) -> torch.Tensor:
        return lowered.classes(task._answer(model, moved), moved)

    made = Attack(0.05, 1.0, 0)(batch, loss_of)
    assert loss_of(made) > loss_of(batch) + 0.01
    for name in ("input:raw", "input:lines", "input:envelope"):
        change = (made[name] - batch[name]).abs()
        deviation = batch[name].flatten(1).std(1, correction=0).view(-1, *[1] * (change.ndim - 1))
        assert torch.allclose(
            (change / deviation).amax(tuple(range(1, change.ndim))), torch.tensor(0.05), rtol=1e-2
        )
    assert all(w.grad is None for w in model.parameters()), "the attack's gradient goes to no weight"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_in_half_precision_the_attack_keeps_its_sign_and_a_gradient_that_is_no_number_moves_nothing(
    dtype: torch.dtype,
) -> None:
    x = torch.tensor([[1.0, -1.0, 2.0, -2.0]])
    tiny = torch.tensor([[3e-6, -3e-6, 3e-6, -3e-6]])

    def loss_of(batch: dict[str, Any]) -> torch.Tensor:
        return (batch["input:raw"].to(dtype) * tiny.to(dtype)).float().sum()

    moved = Attack(0.1, 1.0, 0)({"input:raw": x}, loss_of)["input:raw"]
    assert torch.allclose(moved - x, 0.1 * x.std(correction=0) * tiny.sign())
    broken = Attack(0.1, 1.0, 0)({"input:raw": x}, lambda b: (b["input:raw"] * float("nan")).sum())[
        "input:raw"
    ]
    assert torch.equal(broken, x)


def test_which_batches_are_attacked_is_a_function_of_their_place() -> None:
    attack = Attack(0.1, 0.5, 3)
    places = [{"index": torch.tensor([5]), "epoch": e, "number": n} for e in range(1, 9) for n in range(50)]
    struck = [attack.strikes(batch) for batch in places]
    assert struck == [attack.strikes(batch) for batch in places] and 0.4 < np.mean(struck) < 0.6
    assert not attack.strikes({"index": torch.zeros(0), "epoch": 1, "number": 0})
    assert Attack.of(BearingConfig().training.regularisation, 0) is None
