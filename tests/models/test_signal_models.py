"""Networks of signals: any length, any number of classes, gradients everywhere."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from src.models.signal_branches import Answer, BranchModel, LineNetwork, PictureNetwork
from src.models.signal_models import NETWORKS, PatchTransformer, ResNet1d, SpectrumNetwork, Wdcnn

BACKBONE = "mobilenetv3_small_050"


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("length", [301, 1024, 4099])
def test_any_length_gives_logits_and_every_weight_learns(name: str, length: int) -> None:
    torch.manual_seed(0)
    network = NETWORKS[name](2, 3)
    logits = network(torch.randn(4, 2, length))
    assert logits.shape == (4, 3) and network.features(torch.randn(2, 2, length)).shape == (2, network.width)
    logits.square().sum().backward()
    for key, weight in network.named_parameters():
        assert weight.grad is not None and torch.isfinite(weight.grad).all(), key


def test_the_first_kernel_is_wide() -> None:
    first = next(m for m in Wdcnn(1, 2, kernel=64).modules() if isinstance(m, nn.Conv1d))
    assert first.kernel_size == (64,) and first.stride == (16,)


def test_a_signal_is_known_wherever_its_pattern_stands() -> None:
    """Global pooling: a shift by whole strides changes nothing but what the edges see."""
    torch.manual_seed(0)
    network = ResNet1d(1, 2, width=8, depth=(1, 1)).eval()
    signal = torch.zeros(1, 1, 2048)
    signal[..., 800:864] = torch.randn(64)
    with torch.no_grad():
        assert torch.allclose(network(signal), network(signal.roll(128, -1)), atol=1e-4)


def test_patches_are_dropped_in_training_only() -> None:
    torch.manual_seed(0)
    network = PatchTransformer(1, 2, patch_drop=0.5)
    signal = torch.randn(2, 1, 640)
    lengths: list[int] = []
    network.body.register_forward_hook(lambda _m, inputs, _o: lengths.append(inputs[0].shape[1]))
    network(signal)
    network.eval()(signal)
    assert lengths == [10, 20]


def test_impossible_options_are_refused() -> None:
    with pytest.raises(ValueError, match="odd"):
        ResNet1d(1, 2, kernel=4)
    with pytest.raises(ValueError, match="multiple"):
        PatchTransformer(1, 2, width=30, heads=4)
    with pytest.raises(ValueError, match="timm"):
        PictureNetwork(1, 2, "no_such_network")
    with pytest.raises(ValueError, match="kind of fault"):
        LineNetwork([-1, -1], 1, 3)
    with pytest.raises(ValueError, match="branch"):
        BranchModel({}, 2)


@pytest.mark.parametrize("size", [(64, 64), (97, 40)])
def test_pictures_of_any_size(size: tuple[int, int]) -> None:
    assert PictureNetwork(1, 3, BACKBONE)(torch.randn(2, 1, *size)).shape == (2, 3)


# ---- fault lines


def lines(kind: int, n: int = 4, kinds: int = 3) -> Tensor:
    """Flat surroundings, with a peak at the lines of one kind."""
    found = torch.zeros(n, kinds, 2, 4, 25)
    found[:, kind, :, :, 11:14] = 3.0
    return found


@pytest.mark.parametrize("kinds", [(0, 1, 2), (2, 0, 1, -1)])
def test_before_training_the_highest_lines_decide(kinds: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    network = LineNetwork(kinds, 2, 4).eval()
    for place, kind in enumerate(kinds):
        if kind >= 0:
            logits = network(lines(kind))
            mine = [c for c, k in enumerate(kinds) if k >= 0]
            assert logits.shape == (4, len(kinds)) and (logits[:, mine].argmax(1) == mine.index(place)).all()


@pytest.mark.parametrize("even", [0.0, 0.9, 2.0])
def test_asked_by_themselves_lines_of_the_even_height_are_as_likely_a_fault_as_not(even: float) -> None:
    torch.manual_seed(0)
    network = LineNetwork((0, 1, 2), 1, 4, even=even).eval()
    learnt = network.head.score.weight[:, :-1].abs().sum()  # type: ignore[union-attr, operator, index]
    with torch.no_grad():
        network.head.score.weight[:, :-1] = 0.0  # type: ignore[union-attr, operator, index]
        network.head.score.bias.zero_()  # type: ignore[union-attr, operator]
        logits = network(torch.full((1, 3, 1, 4, 25), even))
        higher = network(torch.full((1, 3, 1, 4, 25), even + 1))
    assert learnt > 0 and torch.allclose(logits, torch.zeros(1, 3), atol=1e-5) and (higher > 1).all()


def test_what_is_learnt_of_one_kind_holds_for_the_others() -> None:
    torch.manual_seed(0)
    network = LineNetwork((0, 1, 2), 2, 4).eval()
    swapped = network(torch.randn(5, 3, 2, 4, 25, generator=torch.Generator().manual_seed(1)))
    signal = torch.randn(5, 3, 2, 4, 25, generator=torch.Generator().manual_seed(1))[:, [2, 0, 1]]
    assert torch.allclose(network(signal), swapped[:, [2, 0, 1]], atol=1e-5)


# ---- branches


def test_branches_answer_together_and_alone() -> None:
    torch.manual_seed(0)
    inputs = {"raw": torch.randn(3, 1, 512), "fft": torch.randn(3, 1, 200), "stft": torch.randn(3, 1, 64, 64)}
    model = BranchModel(
        {"raw": Wdcnn(1, 2), "fft": SpectrumNetwork(1, 2), "stft": PictureNetwork(1, 2, BACKBONE)}, 2
    )
    answer = model(inputs, details=True)
    assert isinstance(answer, Answer) and answer.embedding.shape == (3, model.width)
    assert list(answer.branches) == ["raw", "fft", "stft"]
    assert all(v.shape == (3, 2) for v in (answer.logits, *answer.branches.values()))
    (answer.logits.sum() + sum(v.sum() for v in answer.branches.values())).backward()
    assert all(w.grad is not None for w in model.parameters())


def test_a_single_branch_is_that_network() -> None:
    torch.manual_seed(0)
    network = Wdcnn(1, 2).eval()
    model = BranchModel({"raw": network}, 2)
    signal = torch.randn(2, 1, 400)
    assert torch.equal(model(signal), network(signal)) and torch.equal(
        model({"raw": signal}), network(signal)
    )
    assert not model.answer({"raw": signal}).branches
