"""A training that begins from another model: its weights are all of that model's, or it says why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from src.core.config import Layer, nest, resolve
from src.core.dataset.findings import Finding
from src.core.engine.checkpoint import encode_state
from src.models.segmentation_models import build_model
from src.tasks.catalog import task_info
from src.tasks.segmentation.config import SegmentationConfig
from src.tasks.segmentation.initial import StartError, initial_model
from src.tasks.segmentation.start import check_start

_ENCODER = "tu-mobilenetv3_small_100"


def config(**values: Any) -> SegmentationConfig:
    flat = {"model.encoder": _ENCODER, **{k.replace("__", "."): v for k, v in values.items()}}
    made: SegmentationConfig = resolve(SegmentationConfig, [Layer("dialog", nest(flat))]).config
    return made


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    torch.manual_seed(3)
    return build_model("unet", _ENCODER, None, 3, 2)


@pytest.fixture
def checkpoint(tmp_path: Path, network: torch.nn.Module) -> str:
    """A checkpoint of Lathe with two outputs, trained on images normalised each by itself."""
    facts = {
        "task": "segmentation", "architecture": "unet", "encoder": _ENCODER, "in_channels": 3, "out_channels": 2,
        "classes": ["background", "pit"], "normalise": {"by": "image"},
    }  # fmt: skip
    path = tmp_path / "modell ü.safetensors"
    path.write_bytes(encode_state({"model": network.state_dict()}, {"facts": facts}))
    return str(path)


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_all_weights_are_those_of_the_model(
    checkpoint: str, network: torch.nn.Module, tmp_path: Path
) -> None:
    begun = initial_model(config(model__start_from=checkpoint), 2, [90, 10], 1.0)
    assert same(begun, network)  # the last layer too: the class shares do not change it
    foreign = tmp_path / "foreign.pth"
    torch.save({"state_dict": {f"module.{k}": v for k, v in network.state_dict().items()}}, foreign)
    assert same(initial_model(config(model__start_from=str(foreign)), 2, [90, 10], 1.0), network)
    torch.manual_seed(4)
    assert not same(initial_model(config(), 2, [90, 10], 1.0), network)


def test_imagenet_weights_are_not_fetched_for_what_is_replaced(
    checkpoint: str, network: torch.nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    from src.tasks.segmentation import initial

    asked: list[Any] = []
    build = initial.build_model
    monkeypatch.setattr(
        initial, "build_model", lambda *a, **k: (asked.append(a[2]), build(a[0], a[1], None, *a[3:], **k))[1]
    )
    initial_model(config(model__start_from=checkpoint, model__encoder_weights="imagenet"), 2, [1, 1], 1.0)
    initial_model(config(model__encoder_weights="imagenet"), 2, [1, 1], 1.0, weights_follow=True)
    initial_model(config(model__encoder_weights="imagenet"), 2, [1, 1], 1.0)
    assert asked == [None, None, "imagenet"]


@pytest.mark.parametrize(("outputs", "said"), [(3, "is (2,"), (1, "Use the architecture")])
def test_another_number_of_classes_is_refused_with_a_cure(checkpoint: str, outputs: int, said: str) -> None:
    with pytest.raises(StartError) as told:
        initial_model(config(model__start_from=checkpoint), outputs, [1, 1], 1.0)
    assert (
        "cannot start from" in str(told.value) and said in str(told.value) and "start_from" in told.value.cure
    )


def test_a_file_with_code_in_it_is_refused(tmp_path: Path) -> None:
    import os
    import pickle

    class Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "ran"),)

    (tmp_path / "evil.pth").write_bytes(pickle.dumps({"a": Evil()}))
    with pytest.raises(StartError, match="refused"):
        initial_model(config(model__start_from=str(tmp_path / "evil.pth")), 2, [1, 1], 1.0)
    assert not (tmp_path / "ran").exists()


def test_a_model_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="no run and no file"):
        initial_model(config(model__start_from=str(tmp_path / "gone.pth")), 2, [1, 1], 1.0)


# ---- what is known before anything is loaded


def found(**values: Any) -> list[tuple[str, str]]:
    return [(f.code, f.where[0]) for f in check_start(config(**values), None)]


def test_findings_on_a_start_that_does_not_fit(checkpoint: str, tmp_path: Path) -> None:
    assert found() == [] and found(model__start_from=checkpoint) == []
    assert found(model__start_from=str(tmp_path / "gone")) == [("start-missing", "model.start_from")]
    assert found(model__start_from=checkpoint, model__architecture="fpn") == [
        ("start-differs", "model.architecture")
    ]
    assert found(model__start_from=checkpoint, data__channels=1) == [("start-differs", "data.channels")]
    pretrained = {"model__encoder_weights": "imagenet", "model__start_from": checkpoint}
    assert found(**pretrained) == [("start-normalise", "data.normalise")]
    assert found(**pretrained, data__normalise="image") == []
    Path(checkpoint).write_bytes(b"no weights")
    assert (
        found(model__start_from=checkpoint) == []
    )  # a foreign file says nothing: it is refused when it is loaded


def test_the_task_says_them_and_a_frozen_encoder_is_no_fault_then(checkpoint: str) -> None:
    def codes(made: SegmentationConfig) -> list[str]:
        findings: list[Finding] = task_info("segmentation").check(made, None)
        return [f.code for f in findings]

    assert "frozen-random" in codes(config(model__freeze_epochs=2))
    assert "frozen-random" not in codes(config(model__freeze_epochs=2, model__start_from=checkpoint))
    assert "start-missing" in codes(config(model__start_from="/gone.pth"))
