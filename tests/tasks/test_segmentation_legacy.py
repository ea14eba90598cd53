"""A plain mapping becomes the same configuration that a file would give."""

from __future__ import annotations

from pathlib import Path

import pytest

from src.core.config import ConfigError
from src.tasks.segmentation.config import SegmentationConfig
from src.tasks.segmentation.legacy import SHORT_NAMES, resolve_config


def test_documented_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    resolved = resolve_config(
        {"architecture": "DeepLabV3+", "encoder": "resnet34", "encoder_weights": "imagenet", "num_epochs": 7,
         "batch_size": 4, "learning_rate": 3e-4, "split_dir": "splits", "images_dir": "im", "masks_dir": tmp_path / "ma",
         "checkpoint_dir": "runs"}
    )  # fmt: skip
    config = resolved.config
    assert (config.model.architecture, config.model.encoder, config.model.encoder_weights) == (
        "deeplabv3plus",
        "resnet34",
        "imagenet",
    )
    assert (config.training.epochs, config.training.batch_size, config.training.optimizer.learning_rate) == (
        7,
        4,
        3e-4,
    )
    base = tmp_path.resolve()
    assert [config.data.split_dir, config.data.images_dir, config.runs_dir] == [
        str(base / n) for n in ("splits", "im", "runs")
    ]
    assert config.data.masks_dir == str(base / "ma")
    assert resolved.origins["training.epochs"] == "dialog"
    assert resolved.origins["training.seed"] == "default"


def test_sections_and_dotted_keys_stand_beside_short_names() -> None:
    config = resolve_config(
        {
            "training": {"seed": 5, "loss": {"name": "dice"}},
            "data.image_size": 96,
            "loss": {"smooth": 2.0},
            "epochs": 2,
        }
    ).config
    assert (config.training.seed, config.training.loss.name, config.training.loss.smooth) == (5, "dice", 2.0)
    assert (config.data.image_size, config.training.epochs) == (96, 2)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (1, ["background", "object"]),
        (2, ["background", "object"]),
        (3, ["class 0", "class 1", "class 2"]),
        (["a", "b"], ["a", "b"]),
    ],
)
def test_number_of_classes_or_their_names(given: object, names: list[str]) -> None:
    assert resolve_config({"num_classes": given}).config.data.masks.classes == names


def test_values_of_other_writings() -> None:
    config = resolve_config({"image_size": (64, 64), "encoder_weights": "None", "optimizer": "SGD"}).config
    assert (config.data.image_size, config.model.encoder_weights, config.training.optimizer.name) == (
        64,
        None,
        "sgd",
    )


def test_typed_configuration_keeps_what_was_assigned_inside_a_section() -> None:
    config = SegmentationConfig()
    config.training.schedule.warmup_epochs = 2.0
    resolved = resolve_config(config)
    assert resolved.config.training.schedule.warmup_epochs == 2.0
    assert [k for k, layer in resolved.origins.items() if layer != "default"] == [
        "training.schedule.warmup_epochs"
    ]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"learning_rat": 1}, "Did you mean learning_rate"),
        ({"data.imagesize": 1}, "Did you mean data.image_size"),
        ({"training": {"epoch": 1}}, "Did you mean training.epochs"),
        ({"epochs": 3, "num_epochs": 4}, "leave one out"),
        ({"image_size": [64, 32]}, "Images are squares"),
        ({"num_classes": 0}, "number of classes"),
        ({"batch_size": 0}, "training.batch_size"),
        ({"preset": "no such"}, "no preset"),
    ],
)
def test_faults_are_sentences(values: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_config(values)
    assert said in str(caught.value)


def test_every_short_name_is_an_option() -> None:
    known = set(resolve_config({}).origins)
    assert set(SHORT_NAMES.values()) <= known
