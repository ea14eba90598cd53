"""Layers, files, overrides and the description of options."""

from __future__ import annotations

from pathlib import Path

import pytest

from src.core.config import (
    ConfigError,
    Layer,
    dump_yaml,
    file_layer,
    nest,
    options,
    override_layer,
    preset_layer,
    presets,
    read_yaml,
    resolve,
)  # fmt: skip
from src.tasks.catalog import TASKS, task_info
from src.tasks.segmentation.config import SegmentationConfig


def test_the_last_layer_wins_and_each_value_knows_its_layer() -> None:
    found = resolve(
        SegmentationConfig,
        [
            Layer("command line", {"training": {"epochs": 4}}),
            Layer("preset", {"training": {"epochs": 2, "batch_size": 3}}),
            Layer("file", {"training": {"epochs": 3}}),
        ],
    )
    assert found.config.training.epochs == 4 and found.config.training.batch_size == 3
    assert (
        found.origins["training.epochs"] == "command line"
        and found.origins["training.batch_size"] == "preset"
    )
    assert found.origins["training.seed"] == "default"


def test_unknown_keys_are_refused_with_the_nearest_names_all_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(
            SegmentationConfig,
            [Layer("file", {"training": {"epoch": 3}, "modle": {"encoder": "x"}}, "a.yaml")],
        )
    assert [key for key, _ in caught.value.problems] == ["training.epoch", "modle.encoder"]
    assert (
        "training.epochs" in str(caught.value)
        and "model.encoder" in str(caught.value)
        and "a.yaml" in str(caught.value)
    )


def test_values_out_of_bounds_are_sentences() -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(
            SegmentationConfig, [Layer("file", {"training": {"epochs": 0, "optimizer": {"name": "madgrad"}}})]
        )
    assert dict(caught.value.problems).keys() == {"training.epochs", "training.optimizer.name"}
    assert "not 0" in str(caught.value) and "'adamw'" in str(caught.value)


def test_overrides_read_numbers_lists_words_and_paths(tmp_path: Path) -> None:
    pairs = ["training.optimizer.learning_rate=1e-3", "data.masks.classes=[a, b]", "data.images_dir=x y", "name=12",
             "model.encoder_weights=imagenet", "data.masks.ignore_value=null", "training.deterministic=true"]  # fmt: skip
    config = resolve(SegmentationConfig, [override_layer(pairs, SegmentationConfig, tmp_path)]).config
    assert config.training.optimizer.learning_rate == 1e-3 and config.data.masks.classes == ["a", "b"]
    assert config.data.images_dir == str(tmp_path / "x y") and config.name == "12"
    assert config.model.encoder_weights == "imagenet" and config.training.deterministic
    with pytest.raises(ConfigError, match="key=value"):
        override_layer(["epochs"], SegmentationConfig)


def test_a_file_is_relative_to_itself_and_round_trips(tmp_path: Path) -> None:
    folder = tmp_path / "Prüfung mit Leerzeichen"
    folder.mkdir()
    (folder / "a.yaml").write_text("data: {images_dir: bilder}\ntraining: {epochs: 7}\n", "utf-8")
    first = resolve(SegmentationConfig, [file_layer(folder / "a.yaml", SegmentationConfig)])
    assert first.config.data.images_dir == str(folder / "bilder")
    (tmp_path / "b.yaml").write_text(dump_yaml(first), "utf-8")
    again = resolve(SegmentationConfig, [file_layer(tmp_path / "b.yaml", SegmentationConfig)])
    assert again.config == first.config
    assert read_yaml(tmp_path / "b.yaml")["origins"] == {"data.images_dir": "file", "training.epochs": "file"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1", "line"),
        ("- 1\n- 2", "must hold options"),
        ("training: !!python/object/apply:os.system ['x']", "could not"),
    ],
)
def test_bad_files_say_where(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        file_layer(tmp_path / "bad.yaml", SegmentationConfig)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(tmp_path / "none.yaml")


def test_a_key_that_is_value_and_section() -> None:
    with pytest.raises(ConfigError, match="cannot hold"):
        nest({"a": 1, "a.b": 2})


@pytest.mark.parametrize("task", TASKS)
def test_every_option_is_described_for_people(task: str) -> None:
    found = options(task_info(task).config)
    keys = [o.key for o in found]
    assert len(keys) == len(set(keys))
    for o in found:
        assert o.label and o.help.endswith("."), o.key
        for condition in o.conditions:
            other = next(other for other in found if other.key == condition.key)
            assert not other.choices or set(condition.values) <= set(other.choices), o.key


@pytest.mark.parametrize("task", TASKS)
def test_every_preset_resolves(task: str) -> None:
    assert next(iter(presets(task))) == "default"
    for name in presets(task):
        resolve(task_info(task).config, [preset_layer(task, name)])
    with pytest.raises(ConfigError, match="default"):
        preset_layer(task, "nosuch")
