"""Encoder weights: local files of every usual shape, the hub's cache, and no network."""

from __future__ import annotations

import pickle
import socket
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file
from torch import Tensor

from src.models import encoder_weights as module
from src.models.encoder_weights import adapt_input_channels, hub_address, hub_is_reachable, parse_weights
from src.models.segmentation_models import (
    EncoderWeightsError,
    UNet,
    WeightsUnavailableError,
    build_model,
    get_available_encoders,
)

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def source() -> UNet:
    torch.manual_seed(7)
    return UNet("resnet18", None)


def _prefixed(state: State, prefix: str) -> State:
    return OrderedDict((prefix + key, value) for key, value in state.items())


SHAPES: dict[str, Callable[[UNet], Any]] = {
    "encoder": lambda m: m.encoder.state_dict(),
    "encoder.": lambda m: _prefixed(m.encoder.state_dict(), "encoder."),
    "whole model": lambda m: m.state_dict(),
    "module. of DistributedDataParallel": lambda m: _prefixed(m.state_dict(), "module."),
    "module.model.encoder.": lambda m: _prefixed(m.encoder.state_dict(), "module.model.encoder."),
    "Lightning": lambda m: {"state_dict": _prefixed(m.state_dict(), "model."), "epoch": 3},
    "checkpoint": lambda m: {"model": m.state_dict(), "optimizer": {"lr": 0.1}},
    "classifier": lambda m: {
        **m.encoder.state_dict(),
        "fc.weight": torch.zeros(1000, 512),
        "fc.bias": torch.zeros(1000),
    },
    "without counters": lambda m: {k: v for k, v in m.encoder.state_dict().items() if "num_batches" not in k},
}


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".safetensors"])
@pytest.mark.parametrize("shape", SHAPES)
def test_local_files(shape: str, suffix: str, source: UNet, tmp_path: Path) -> None:
    content = SHAPES[shape](source)
    path = tmp_path / f"weights{suffix}"
    if suffix == ".safetensors":
        flat = content.get("state_dict", content.get("model", content))
        save_file({k: v.contiguous() for k, v in flat.items()}, path)
    else:
        torch.save(content, path)
    model = build_model("fpn", "resnet18", str(path))
    report = model.weights_report
    assert (
        report is not None and report.matched == report.total and not report.missing and not report.mismatched
    )
    for key, value in source.encoder.state_dict().items():
        if "num_batches" not in key:
            assert torch.equal(model.encoder.state_dict()[key], value)
    if shape == "classifier":
        assert sorted(report.unexpected) == ["fc.bias", "fc.weight"] and "fc.weight" in str(report)


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_other_numbers_of_channels(channels: int, source: UNet, tmp_path: Path) -> None:
    """As smp adapts its own weights: a grey image as one channel gives what it gave as three."""
    path = tmp_path / "weights.pth"
    torch.save(source.encoder.state_dict(), path)
    model = UNet("resnet18", path, in_channels=channels)
    expected = UNet("resnet18", None)
    expected.encoder.load_state_dict({**source.encoder.state_dict(), "fc.weight": 0, "fc.bias": 0})
    expected.encoder.set_in_channels(channels, pretrained=True)
    assert torch.equal(model.encoder.conv1.weight, expected.encoder.conv1.weight)
    assert model.weights_report is not None
    assert model.weights_report.adapted == ([] if channels == 3 else ["conv1.weight"])
    grey = torch.rand(1, 1, 32, 32)
    mine = torch.nn.functional.conv2d(grey.expand(-1, channels, -1, -1), model.encoder.conv1.weight)
    three = torch.nn.functional.conv2d(grey.expand(-1, 3, -1, -1), source.encoder.conv1.weight)
    if channels in (1, 3):
        torch.testing.assert_close(mine, three)
    assert adapt_input_channels(torch.ones(1, 3, 1, 1), channels).sum().item() == pytest.approx(3)


@pytest.mark.parametrize(
    ("name", "factory"),
    [
        ("resnet18", torchvision.models.resnet18),
        ("densenet121", torchvision.models.densenet121),
        ("mobilenet_v2", torchvision.models.mobilenet_v2),
    ],
)
def test_classifiers_of_torchvision(name: str, factory: Callable[..., Any], tmp_path: Path) -> None:
    state = {k: v for k, v in factory(weights=None).state_dict().items() if v.numel() < 10**7}
    if name == "densenet121":  # as torchvision's first releases wrote it
        state = {k.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): v for k, v in state.items()}
    torch.save(state, tmp_path / "w.pth")
    report = UNet(name, tmp_path / "w.pth").weights_report
    assert report is not None and report.matched == report.total


@pytest.mark.parametrize(
    "name", ["mobilenetv3_small_100", "pvt_v2_b0", "mobilenetv4_conv_small", "efficientvit_b0"]
)
def test_classifiers_of_timm(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the hub holds for timm's encoders, by whose own names of layers the extractor is not built."""
    save_file(timm.create_model(name).state_dict(), tmp_path / "model.safetensors")
    asked: list[Any] = []

    def locate(*address: Any) -> Path:
        asked.append(address)
        return tmp_path / "model.safetensors"

    monkeypatch.setattr("src.models.base.locate_hub_file", locate)
    report = UNet(f"tu-{name}", "imagenet", in_channels=4).weights_report
    assert report is not None and report.matched == report.total and len(report.adapted) == 1
    assert asked[0][0].startswith(f"timm/{name}.")


def test_few_missing_are_told_many_are_refused(source: UNet, tmp_path: Path) -> None:
    state = source.encoder.state_dict()
    torch.save({k: v for k, v in state.items() if not k.startswith("conv1")}, tmp_path / "few.pth")
    report = UNet("resnet18", tmp_path / "few.pth").weights_report
    assert report is not None and report.missing == ["conv1.weight"]
    torch.save({k: v for k, v in state.items() if not k.startswith("layer4")}, tmp_path / "many.pth")
    with pytest.raises(EncoderWeightsError, match=r"only 75 of 100 tensors .*missing: layer4"):
        UNet("resnet18", tmp_path / "many.pth")
    with pytest.raises(EncoderWeightsError, match="do not belong"):
        UNet("densenet121", tmp_path / "few.pth")


class _Evil:
    def __reduce__(self) -> Any:
        return (print, ("executed",))


def test_files_that_are_no_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.pth").write_text("hello")
    (tmp_path / "cut.safetensors").write_bytes(b"\x00\x01")
    (tmp_path / "evil.pth").write_bytes(pickle.dumps({"a": _Evil()}, protocol=2))
    torch.save([torch.zeros(1)], tmp_path / "list.pth")
    for name in ("text.pth", "cut.safetensors", "evil.pth", "list.pth"):
        with pytest.raises(EncoderWeightsError, match=name):
            UNet("resnet18", tmp_path / name)
    assert "executed" not in capsys.readouterr().out
    with pytest.raises(FileNotFoundError, match="does not exist"):
        UNet("resnet18", tmp_path / "absent.pth")


def test_what_encoder_weights_may_be(tmp_path: Path) -> None:
    for nothing in (None, "none", "None", "", False):
        assert parse_weights("resnet18", nothing) is None
    assert parse_weights("resnet18", "ImageNet") == "imagenet" == parse_weights("resnet18", True)
    assert parse_weights("resnet18", "ssl") == "ssl"
    with pytest.raises(ValueError, match=r"no weights 'imagnet' for resnet18. Known: imagenet, ssl, swsl"):
        parse_weights("resnet18", "imagnet")
    (tmp_path / "file").touch()
    assert parse_weights("resnet18", str(tmp_path / "file")) == tmp_path / "file"


def test_every_encoder_has_an_address() -> None:
    for name in get_available_encoders():
        for weights in module.weight_names(name):
            assert "/" in hub_address(name, weights)[0]


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A hub of which nothing is in the cache; returns the calls that would have downloaded."""
    downloads: list[dict[str, Any]] = []

    def download(repository: str, name: str, **options: Any) -> str:
        if options.get("local_files_only"):
            raise FileNotFoundError(name)
        downloads.append({"repository": repository, **options})
        raise ConnectionError("the line is cut")

    monkeypatch.setattr(module, "hf_hub_download", download)
    return downloads


def test_no_network(empty_cache: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "hub_is_reachable", lambda: False)
    started = time.monotonic()
    with pytest.raises(WeightsUnavailableError) as caught:
        UNet("resnet18", "imagenet")
    message = str(caught.value)
    for words in (
        "smp-hub/resnet18.imagenet",
        "huggingface.co",
        "no connection",
        "encoder_weights=None",
        "local file",
    ):
        assert words in message
    assert isinstance(caught.value, RuntimeError) and not empty_cache and time.monotonic() - started < 5


def test_broken_download_and_switched_off(empty_cache: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "hub_is_reachable", lambda: True)
    with pytest.raises(WeightsUnavailableError, match="the line is cut"):
        UNet("tu-convnext_tiny", "imagenet")
    assert empty_cache[0]["repository"].startswith("timm/convnext_tiny")
    monkeypatch.setattr(module.hub_constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsUnavailableError, match="HF_HUB_OFFLINE"):
        UNet("resnet18", "imagenet")
    assert len(empty_cache) == 1


def test_the_cache_is_used_without_asking(
    source: UNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_file(source.encoder.state_dict(), tmp_path / "model.safetensors")
    monkeypatch.setattr(module, "hub_is_reachable", lambda: pytest.fail("the network was asked"))
    monkeypatch.setattr(module, "hf_hub_download", lambda *_, **__: str(tmp_path / "model.safetensors"))
    model = UNet("resnet18", "imagenet")
    assert torch.equal(model.encoder.conv1.weight, source.encoder.conv1.weight)


def test_the_probe_gives_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that never answers hangs where no timeout reaches; the probe returns nevertheless."""
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)

    def hang(*_: Any, **__: Any) -> None:
        time.sleep(1.5)
        raise OSError("no answer")

    monkeypatch.setattr(socket, "create_connection", hang)
    started = time.monotonic()
    assert not hub_is_reachable(0.2)
    assert time.monotonic() - started < 1


def test_the_probe_goes_where_the_request_would(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert hub_is_reachable(2)
