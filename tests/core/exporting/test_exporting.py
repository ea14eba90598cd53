"""The parts of an export that know no task: graph, files, runtime, comparison."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from src.core.exporting.graph import AnySizePool, ExportGraph, InsideNormalisation, replace_pools
from src.core.exporting.onnx_runner import OnnxProcess, OnnxRunError
from src.core.exporting.parity import LIMITS, Comparison, limits_for
from src.core.exporting.torch_files import (
    ExportError,
    image_axes,
    load_program,
    load_torchscript,
    write_program,
    write_torchscript,
)
from src.core.feed.normalise import ImageStandardiser, Normaliser
from src.models.any_size import pad_to_stride

ODD = ((1, 1), (3, 50), (17, 20), (33, 65), (64, 64), (97, 31))


class Tiny(nn.Module):
    """A network that halves twice and says so where it is given another size."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.down = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(3), nn.Conv2d(4, 4, 1))
        self.up = nn.Conv2d(4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        found = torch.relu(self.down(x))
        context = nn.functional.interpolate(self.pool(found), size=found.shape[-2:], mode="bilinear")
        return nn.functional.interpolate(self.up(found + context), scale_factor=2.0, mode="nearest")


def graph(
    normaliser: Normaliser | ImageStandardiser | None = None, minimum: int = 1
) -> tuple[ExportGraph, nn.Module]:
    inside = InsideNormalisation(normaliser or ImageStandardiser(), 3)
    return ExportGraph(Tiny(), inside, nn.Softmax(1), 8, minimum), Tiny().eval()


def image(height: int, width: int, batch: int = 1) -> np.ndarray:
    return np.random.default_rng(height * width).integers(0, 256, (batch, 3, height, width)).astype(np.uint8)


def expected(
    original: nn.Module, normaliser: Normaliser | ImageStandardiser, raw: np.ndarray, minimum: int = 1
) -> np.ndarray:
    x = normaliser.to_float(torch.from_numpy(raw))
    with torch.no_grad():
        logits = original(pad_to_stride(x, 8, minimum))[..., : raw.shape[2], : raw.shape[3]]
        return logits.softmax(1).numpy()


@pytest.mark.parametrize("size", [(7, 5), (1, 1), (2, 9), (64, 33)])
@pytest.mark.parametrize("parts", [2, 3, (6, 1)])
def test_the_pool_for_any_size_is_the_adaptive_one(
    size: tuple[int, int], parts: int | tuple[int, int]
) -> None:
    x = torch.randn(2, 3, *size)
    pair = (parts, parts) if isinstance(parts, int) else parts
    torch.testing.assert_close(AnySizePool(pair)(x), nn.AdaptiveAvgPool2d(parts)(x))


def test_pools_to_one_value_stay() -> None:
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.AdaptiveAvgPool2d(2))
    replace_pools(network)
    assert [type(m).__name__ for m in network] == ["AdaptiveAvgPool2d", "AnySizePool"]


@pytest.mark.parametrize("minimum", [1, 40])
@pytest.mark.parametrize(
    "normaliser", [Normaliser(), Normaliser((0.5,) * 3, (0.25,) * 3), ImageStandardiser(2.0)]
)
def test_the_graph_says_what_the_network_says(
    normaliser: Normaliser | ImageStandardiser, minimum: int
) -> None:
    ours, original = graph(normaliser, minimum)
    for height, width in ODD:
        raw = image(height, width, 2)
        found = ours(torch.from_numpy(raw)).numpy()
        np.testing.assert_allclose(found, expected(original, normaliser, raw, minimum), atol=2e-6)


def test_grey_images_take_the_mean_of_three_constants() -> None:
    raw = torch.from_numpy(image(5, 6)[:, :1])
    torch.testing.assert_close(
        InsideNormalisation(Normaliser(), 1)(raw), Normaliser().to_float(raw), atol=1e-6, rtol=0
    )


def test_a_program_takes_every_size_and_says_what_is_in_it(tmp_path: Path) -> None:
    ours, _ = graph()
    path = tmp_path / "m.pt2"
    write_program(ours, ours.example(2, 3, 40, 56), path, image_axes(True), {"lathe.version": "9"})
    run = load_program(path)
    for height, width in ODD:
        np.testing.assert_allclose(
            run(image(height, width)), ours(torch.from_numpy(image(height, width))), atol=2e-6
        )
    extra = {"lathe.version": ""}
    torch.export.load(str(path), extra_files=extra)
    assert extra == {"lathe.version": "9"}


@pytest.mark.parametrize("freeze", [True, False])
def test_torchscript_of_a_fixed_size(tmp_path: Path, freeze: bool) -> None:
    ours, _ = graph()
    write_torchscript(ours, ours.example(2, 3, 40, 56), tmp_path / "m.pt", {"lathe.version": "9"}, freeze)
    run = load_torchscript(tmp_path / "m.pt")
    np.testing.assert_allclose(run(image(40, 56, 3)), ours(torch.from_numpy(image(40, 56, 3))), atol=2e-6)
    weights = list(torch.jit.load(str(tmp_path / "m.pt")).parameters())
    assert bool(weights) is not freeze, "a frozen program has constants where the weights were"


def test_onnx_takes_every_size_in_a_process_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    onnx = pytest.importorskip("onnx")
    from src.core.exporting.onnx_file import write_onnx

    ours, _ = graph()
    path = tmp_path / "m β.onnx"
    write_onnx(
        ours,
        ours.example(2, 3, 40, 56),
        path,
        opset=19,
        axes=image_axes(True),
        output="scores",
        about={"a.b": "ü"},
    )
    with OnnxProcess(path, threads=1) as process:
        assert process.facts["inputs"] == [["image", "tensor(uint8)", ["batch", 3, "height", "width"]]]
        assert process.facts["outputs"] == [["scores", "tensor(float)", ["batch", 2, "height", "width"]]]
        assert process.facts["metadata"] == {"a.b": "ü"}
        for height, width in ODD:
            raw = image(height, width)
            np.testing.assert_allclose(process.run(raw), ours(torch.from_numpy(raw)), atol=2e-6)
        assert len(process.seconds(image(8, 8), 3)) == 3
        with pytest.raises(OnnxRunError, match="onnxruntime"):
            process.run(image(8, 8).astype(np.float32))
        assert process.run(image(8, 8)).shape == (1, 2, 8, 8), "one that failed does not end the process"
    model = onnx.load(str(path))
    assert {o.domain: o.version for o in model.opset_import}[""] == 19
    assert str(Path(__file__).parents[3]) not in str(model), "no path of this machine is in the file"


def test_what_cannot_be_traced_is_said() -> None:
    class Asks(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x * 2 if float(x.sum()) > 0 else x

    ours = ExportGraph(Asks(), InsideNormalisation(Normaliser(), 3), nn.Identity(), 8)
    with pytest.raises(ExportError, match="cannot be traced"):
        write_program(ours, ours.example(2, 3, 16, 16), Path("never"), image_axes(True), {})


def test_a_file_that_is_no_model_is_refused_by_the_runtime(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    (tmp_path / "m.onnx").write_bytes(b"no model")
    with pytest.raises(OnnxRunError, match="onnxruntime"):
        OnnxProcess(tmp_path / "m.onnx", 1)


def test_waiting_for_the_runtime_can_be_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("src.core.exporting.onnx_runner._ASK_EVERY_S", 0.0)

    def never() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        OnnxProcess(tmp_path / "m.onnx", 1, go_on=never)


# -- the comparison ---


def compared(found: np.ndarray, original: np.ndarray | None = None) -> Comparison:
    base = (
        np.linspace(0, 1, 10_000, dtype=np.float32).reshape(1, 1, 100, 100) if original is None else original
    )
    one = Comparison()
    one.add("a", (base[:, 0] > 0.5).astype(np.uint8), (found[:, 0] > 0.5).astype(np.uint8), base, found)
    return one


def test_equal_models_agree_and_others_do_not() -> None:
    base = np.linspace(0, 1, 10_000, dtype=np.float32).reshape(1, 1, 100, 100)
    same = compared(base)
    assert (same.largest, same.differing, same.objections(LIMITS["fp32"])) == (0.0, 0, [])
    far = compared(base + 0.01)
    assert far.largest == pytest.approx(0.01, abs=1e-6) and far.differing == 100
    assert len(far.objections(LIMITS["fp32"])) == 2
    assert far.objections(LIMITS["int8"]) == []
    assert "IoU is 0.0300 lower" in far.objections(LIMITS["int8"], 0.03)[0]
    assert far.objections(limits_for("fp32", 0.05), 0.04) == []
    assert len(far.objections(limits_for("int8", 0.001))) == 1, "a tolerance can also be narrower"


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused_at_any_precision(bad: float) -> None:
    found = np.full((1, 1, 100, 100), 0.2, np.float32)
    found[0, 0, 3, 4] = bad
    assert compared(found, np.full_like(found, 0.2)).objections(limits_for("int8", 1.0))[0] == (
        "It gives numbers that are not finite."
    )


def test_one_pixel_on_the_edge_is_no_disagreement() -> None:
    found = np.full((1, 1, 4, 4), 0.5, np.float32)
    found[0, 0, 0, 0] += 1e-6
    one = compared(found, np.full_like(found, 0.5))
    assert one.differing == 1 and one.objections(LIMITS["fp32"]) == []


def test_another_shape_is_an_error() -> None:
    with pytest.raises(ValueError, match="the export gives"):
        compared(np.zeros((1, 1, 5, 5), np.float32), np.zeros((1, 1, 4, 4), np.float32))
