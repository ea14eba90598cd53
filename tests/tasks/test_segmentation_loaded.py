"""Loading trained models: checkpoints of Lathe, files from elsewhere, files that are refused."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from src.core.config import options
from src.core.config.job import ComputeConfig
from src.core.dataset.masks import MaskMeaning
from src.core.engine.checkpoint import encode_state
from src.core.feed.normalise import ImageStandardiser, Normaliser
from src.core.inference.predictor import Predictor
from src.core.inference.sinks import ArraySink
from src.core.inference.sources import ArraySource
from src.core.job import JobError
from src.core.run.model_source import find_model
from src.models.segmentation_models import build_model
from src.tasks.segmentation.jobs.inference_config import ForeignConfig, InferenceConfig
from src.tasks.segmentation.loaded import load_model

ENCODER = "tu-mobilenetv3_small_100"


def network(channels: int = 3, outputs: int = 1, seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    return build_model("unet", ENCODER, None, channels, outputs).eval()


def facts(channels: int = 3, outputs: int = 1, **changes: Any) -> dict[str, Any]:
    meaning = MaskMeaning("binary", ("ground", "crack"))
    if outputs > 1:
        meaning = MaskMeaning("index", tuple("abcdef"[:outputs]), tuple(range(outputs)))
    return {
        "task": "segmentation", "architecture": "unet", "encoder": ENCODER, "in_channels": channels,
        "out_channels": outputs, "classes": list(meaning.classes), "masks": meaning.to_dict(), "image_size": 64,
        "resize": "letterbox", "normalise": {"by": "image", "floor": 4.0}, "intensity_range": None, **changes,
    }  # fmt: skip


def checkpoint(path: Path, model: torch.nn.Module, said: dict[str, Any], **states: Any) -> Path:
    path.write_bytes(encode_state({"model": model.state_dict(), **states}, {"facts": said}))
    return path


def load(path: Path, foreign: ForeignConfig | None = None, **compute: str) -> Any:
    return load_model(
        find_model(str(path)), foreign=foreign, **{"device": "cpu", "precision": "fp32", **compute}
    )


def same_weights(model: Any, other: torch.nn.Module) -> bool:
    return all(
        torch.equal(a, b)
        for a, b in zip(model.state_dict().values(), other.state_dict().values(), strict=True)
    )


def test_a_checkpoint_says_all_of_itself_and_its_average_is_used(tmp_path: Path) -> None:
    last, average = network(seed=1), network(seed=2)
    path = checkpoint(tmp_path / "a.safetensors", last, facts(), average=average.state_dict())
    loaded = load(path)
    assert same_weights(loaded.model, average) and not loaded.model.training
    assert loaded.classes == ("ground", "crack") and loaded.meaning.kind == "binary"
    assert isinstance(loaded.normaliser, ImageStandardiser)
    assert (loaded.size, loaded.fit, loaded.channels, loaded.out_channels) == (64, "letterbox", 3, 1)
    predictor = Predictor(loaded, InferenceConfig(), ComputeConfig())
    ((_, found),) = predictor.stream(
        [ArraySource(np.zeros((50, 90, 3), np.uint8))], lambda _s, size: ArraySink(size)
    )
    assert found.shape == (1, 50, 90)


@pytest.mark.parametrize(("channels", "outputs"), [(3, 1), (1, 4)])
def test_a_foreign_file_is_used_by_what_the_person_says(tmp_path: Path, channels: int, outputs: int) -> None:
    model = network(channels, outputs)
    path = tmp_path / "net.pth"
    torch.save({"state_dict": {f"module.{k}": v for k, v in model.state_dict().items()}}, path)
    names = ["ground", "crack"] if outputs == 1 else list("wxyz")
    said = ForeignConfig(architecture="unet", encoder=ENCODER, classes=names, image_size=96, normalise="half")
    loaded = load(path, said)
    assert same_weights(loaded.model, model)
    assert (loaded.channels, loaded.out_channels, loaded.size, loaded.fit) == (channels, outputs, 96, "crop")
    assert list(loaded.classes) == names and isinstance(loaded.normaliser, Normaliser)
    assert loaded.normaliser.mean == (0.5,) * 3


def test_a_foreign_file_is_used_by_facts_beside_it(tmp_path: Path) -> None:
    model, path = network(outputs=3), tmp_path / "net.pth"
    torch.save(model.state_dict(), path)
    (tmp_path / "net.json").write_text(json.dumps({"facts": facts(outputs=3)}), "utf-8")
    assert load(path).classes == ("a", "b", "c")
    (tmp_path / "net.json").write_text("{", "utf-8")
    with pytest.raises(JobError, match=r"net\.json.*cannot be read"):
        load(path)


def test_a_foreign_file_of_which_nothing_is_known_asks_for_it(tmp_path: Path) -> None:
    torch.save(network().state_dict(), tmp_path / "net.pth")
    for said in (None, ForeignConfig()):
        with pytest.raises(JobError, match="not written by Lathe") as caught:
            load(tmp_path / "net.pth", said)
        assert "inference.foreign.architecture" in caught.value.cure and "net.json" in caught.value.cure


class Code:
    def __reduce__(self) -> Any:
        return print, ("code was run",)


def test_files_with_code_or_without_weights_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, said = tmp_path / "net.pth", ForeignConfig(architecture="unet", encoder=ENCODER)
    torch.save({"state_dict": Code()}, path)
    with pytest.raises(JobError, match="refused"):
        load(path, said)
    path.write_bytes(pickle.dumps(Code(), protocol=2))
    with pytest.raises(JobError, match="refused"):
        load(path, said)
    assert "code was run" not in capsys.readouterr().out
    torch.save([1, 2, 3], path)
    with pytest.raises(JobError, match="no state dict"):
        load(path, said)
    path.write_bytes(b"no model")
    with pytest.raises(JobError, match="refused"):
        load(path, said)


@pytest.mark.parametrize(
    ("trained", "said", "sentence"),
    [
        ((3, 4), {"classes": list("abc")}, "3 classes are named, but the model in .* has 4 outputs"),
        ((3, 1), {"classes": list("abc")}, "one output"),
        ((1, 1), {"channels": "colour"}, "images of 1 channels, but 3 were expected"),
        ((3, 1), {"encoder": "resnet18"}, "does not fit this model"),
        ((3, 1), {"encoder": "nothing"}, "cannot be used"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(
    tmp_path: Path, trained: Any, said: dict[str, Any], sentence: str
) -> None:
    torch.save(network(*trained).state_dict(), tmp_path / "net.pth")
    with pytest.raises(JobError, match=sentence) as caught:
        load(tmp_path / "net.pth", ForeignConfig(**{"architecture": "unet", "encoder": ENCODER, **said}))
    assert caught.value.cure


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"out_channels": 3}, "3 outputs do not belong to 2 classes"),
        ({"in_channels": 5}, "takes 5 channels"),
        ({"resize": "bend"}, "bend"),
        ({"normalise": {"by": "magic"}}, "magic"),
        ({"task": "detection"}, "not for segmentation"),
        ({"masks": None}, "cannot be used"),
    ],
)
def test_facts_that_cannot_be_used_are_named(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    path = checkpoint(tmp_path / "a.safetensors", network(), facts(**changes))
    with pytest.raises(JobError, match=sentence):
        load(path)


def test_weights_that_contradict_their_facts_are_named(tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "a.safetensors", network(outputs=4), facts(outputs=3))
    with pytest.raises(JobError, match=r"4 outputs \(classes\), but 3 outputs"):
        load(path)
    said = facts()
    del said["resize"]
    with pytest.raises(JobError, match="resize is missing"):
        load(checkpoint(tmp_path / "b.safetensors", network(), said))


def test_a_checkpoint_of_the_first_versions_says_its_normalisation_in_two_numbers(tmp_path: Path) -> None:
    said = facts(mean=[0.5, 0.4, 0.3], std=[0.2, 0.2, 0.1])
    del said["normalise"]
    loaded = load(checkpoint(tmp_path / "a.safetensors", network(), said))
    assert isinstance(loaded.normaliser, Normaliser)
    assert (loaded.normaliser.mean, loaded.normaliser.std) == ((0.5, 0.4, 0.3), (0.2, 0.2, 0.1))


def test_a_device_or_precision_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "a.safetensors", network(), facts())
    with pytest.raises(JobError, match="cuda:17 is not on this machine") as caught:
        load(path, device="cuda:17")
    assert "compute.device" in caught.value.cure
    with pytest.raises(JobError, match="float16"):
        load(path, precision="fp16")
    loaded = load(path, precision="bf16")
    predictor = Predictor(loaded, InferenceConfig(), ComputeConfig())
    ((_, found),) = predictor.stream(
        [ArraySource(np.zeros((64, 64, 3), np.uint8))], lambda _s, size: ArraySink(size)
    )
    assert found.dtype == np.float32


def test_every_option_of_the_inference_has_words() -> None:
    for option in options(InferenceConfig):
        assert option.label and option.help.endswith(".")
        assert set(option.choice_labels or {}) >= {str(choice) for choice in option.choices}
