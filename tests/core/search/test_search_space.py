"""What may be searched, how it is written, and what is refused with which words."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import yaml

from src.core.config import ConfigError
from src.core.search import SearchFolder, SearchPlan, parse_word, plan_of, searchable
from src.tasks.catalog import task_info
from tests.core.search.conftest import MOMENTUM, NAME, RATE

Make = Callable[..., SearchPlan]


def test_words_are_ranges_and_choices(make_plan: Make) -> None:
    plan = make_plan(f"{RATE}=1e-5 .. 1e-2:log", "training.batch_size=2..16:step=2", f"{NAME}=adamw,sgd",
                     "model.prior_bias=true,false", "model.encoder=resnet18,resnet34", "data.image_size=128,256")  # fmt: skip
    found = {d.key: d for d in plan.space}
    assert (found[RATE].kind, found[RATE].low, found[RATE].high, found[RATE].log) == (
        "float",
        1e-5,
        1e-2,
        True,
    )
    assert found["training.batch_size"].values() == [2, 4, 6, 8, 10, 12, 14, 16]
    assert found[NAME].choices == ("adamw", "sgd")
    assert found["model.prior_bias"].choices == (True, False)
    assert found["data.image_size"].choices == (128, 256)
    assert found[RATE].values() is None


def test_points_lie_evenly_on_the_scale_of_the_range(make_plan: Make) -> None:
    plan = make_plan(f"{RATE}=1e-4..1e-2:log:points=3", "training.batch_size=1..9:points=3", sampler="grid")
    found = {d.key: d.values() for d in plan.space}
    assert found[RATE] == pytest.approx([1e-4, 1e-3, 1e-2])
    assert found["training.batch_size"] == [1, 5, 9]
    assert plan.combinations == 9


def test_a_plan_comes_back_from_its_file_as_it_was(make_plan: Make) -> None:
    plan = make_plan(
        f"{RATE}=1e-5..1e-2:log", f"{NAME}=adamw,sgd", "training.batch_size=2..8:step=2", trials=7, seed=3
    )
    folder = SearchFolder.create(plan)
    again = folder.plan(task_info)
    assert again.space == plan.space and again.base.flat() == plan.base.flat()
    assert (again.trials, again.metric, again.maximise) == (7, "iou", True)
    assert yaml.safe_load(folder.search.read_text("utf-8"))["base"] == "base.yaml"  # the folder can be moved


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("training.optimizer.learnin_rate=1e-4..1e-2", "Did you mean training.optimizer.learning_rate"),
        (f"{RATE}=1e-2..1e-4", "must lie below"),
        (f"{RATE}=0..1e-2:log", "must begin above 0"),
        (f"{RATE}=1e-3..20", "20.0 is not possible"),
        (f"{RATE}=0..0.1", "0.0 is not possible"),
        (f"{RATE}=a..b", "must be a number"),
        ("training.batch_size=1.5..4", "whole number"),
        ("training.batch_size=2..64:log:step=2", "no step"),
        ("training.batch_size=2..4:step=9", "no longer than the range"),
        ("training.batch_size=2..4:points=1", "at least 2"),
        ("training.batch_size=2..4:fast", "is not known behind a range"),
        (f"{NAME}=adamw,sgdd", "'sgdd' is not possible"),
        (f"{NAME}=adamw", "at least two different values"),
        (f"{NAME}=1..3", "A range needs a number"),
        ("model.encoder=resnet18,resnet3", "Did you mean resnet3"),
        ("data.images_dir=a,b", "neither a number nor a choice"),
        ("data.split.val_fraction=0.1..0.3", "could not be compared"),
        ("data.masks.threshold=100..200", "the truth would not be the same"),
        ("monitoring.preview_samples=1..3", "does not change what the model learns"),
        ("nothing", "is no part of a space"),
    ],
)  # fmt: skip
def test_bad_spaces_are_refused(make_plan: Make, word: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_plan(word)
    assert said in str(caught.value)


def test_all_faults_are_said_at_once(make_plan: Make) -> None:
    with pytest.raises(ConfigError) as caught:
        make_plan("no.such=1..2", f"{RATE}=3..1")
    assert [key for key, _ in caught.value.problems] == ["no.such", RATE]


def test_an_empty_space_an_unknown_metric_and_an_endless_grid_are_refused(make_plan: Make) -> None:
    with pytest.raises(ConfigError, match="nothing to search"):
        make_plan()
    with pytest.raises(ConfigError, match="no value “iuo”"):
        make_plan(f"{NAME}=adamw,sgd", metric="iuo")
    with pytest.raises(ConfigError, match="points=5"):
        make_plan(f"{RATE}=1e-4..1e-2", sampler="grid")
    with pytest.raises(ConfigError, match="100,000 combinations"):
        make_plan("training.batch_size=1..1000", "data.image_size=32..1000", sampler="grid")


def test_combinations_count_options_that_do_nothing_once(make_plan: Make) -> None:
    plan = make_plan(f"{MOMENTUM}=0.5,0.9", f"{NAME}=adamw,sgd", sampler="grid", trials=50)
    assert [d.key for d in plan.space] == [NAME, MOMENTUM]  # what depends on another one comes after it
    assert plan.combinations == plan.trials == 3  # adamw once, sgd with each momentum


def test_an_option_that_would_never_be_drawn_is_refused(make_plan: Make) -> None:
    norm = "training.swa.norm_batches=1..5"
    with pytest.raises(
        ConfigError, match=r"norm_batches does nothing: epochs are not averaged.*training\.swa\.from_epoch"
    ):
        make_plan(norm)
    with pytest.raises(ConfigError, match="does nothing"):
        make_plan(f"{MOMENTUM}=0.8..0.99", f"{NAME}=adamw,adam")
    # what the space itself can turn on may be searched, and so may what a trial uses that draws it
    assert len(make_plan(norm, "training.swa.from_epoch=1,2").space) == 2
    assert len(make_plan(f"{MOMENTUM}=0.8..0.99", f"{NAME}=adamw,sgd").space) == 2


def test_a_search_that_has_begun_goes_on_with_the_space_that_it_has(make_plan: Make) -> None:
    plan = make_plan(f"{NAME}=adamw,sgd", f"{MOMENTUM}=0.8..0.99")
    entries = {MOMENTUM: {"low": 0.8, "high": 0.99}}
    assert plan_of(plan.settings, entries, plan.base, plan.task, begun=True).space
    with pytest.raises(ConfigError, match="does nothing"):
        plan_of(plan.settings, entries, plan.base, plan.task)


def test_every_searchable_option_has_values_or_bounds() -> None:
    kinds = {o.kind for o in searchable(task_info("segmentation"))}
    assert {"int", "float", "bool", "choice"} <= kinds
    assert parse_word("a=1e-3..2") == ("a", {"low": 1e-3, "high": 2}) and math.isclose(
        parse_word("a=1e-3,2")[1][0], 1e-3
    )
