"""When an option has an effect: the schema says it once, the check and the manual repeat it."""

from __future__ import annotations

from typing import Any

import pytest

from src.cli.data import settings_page
from src.core.config import (
    Layer,
    Section,
    nest,
    option,
    options,
    resolve,
    section,
    unless,
    when,
    without_effect,
)
from src.core.config.idle import idle_options
from src.core.config.late import late_options
from src.core.config.schedule_shape import ScheduleShape
from src.core.config.training import TrainingConfig
from src.tasks.catalog import TASKS, task_info


class Inner(Section):
    rate: float = option(
        1.0, "Rate", "Rate.", applies=[when("rule", "step"), unless("frozen", because="it is frozen")]
    )
    rule: str = option("step", "Rule", "Rule.")


class Outer(Section):
    frozen: bool = option(False, "Frozen", "Frozen.", applies=[unless("plan")])
    plan: str = option("", "Plan", "Plan.")
    inner: Inner = section(Inner, "Inner", [unless("inner.rule", "none", because="there is none")])


def idle(**values: Any) -> dict[str, str]:
    found = without_effect(options(Outer), {k.replace("__", "."): v for k, v in values.items()})
    return {key: condition.key for key, condition in found.items()}


def test_conditions_of_option_and_section_hold_together() -> None:
    assert idle() == {}
    assert idle(inner__rule="cosine") == {"inner.rate": "inner.rule"}
    assert idle(frozen=True) == {"inner.rate": "frozen"}
    assert idle(inner__rule="none") == {"inner.rate": "inner.rule"}  # and not the rule itself


def test_option_without_effect_counts_at_its_default_for_others() -> None:
    assert idle(frozen=True, plan="a") == {"frozen": "plan"}


def test_condition_on_an_unknown_option_is_refused() -> None:
    class Wrong(Section):
        a: int = option(0, "A", "A.", applies=[when("nosuch")])

    with pytest.raises(ValueError, match="a depends on nosuch"):
        options(Wrong)


def notices(**values: Any) -> dict[str, tuple[str, str]]:
    flat = {f"data.{k.replace('__', '.')}": v for k, v in values.items()}
    info = task_info("segmentation")
    config = resolve(info.config, [Layer("file", nest(flat))]).config
    found = [f for f in info.check(config, None) if f.code == "option.no_effect"]
    assert all(f.severity == "notice" for f in found)
    return {f.where[0]: (f.message, f.cure) for f in found}


def test_set_option_that_does_nothing_is_a_notice() -> None:
    found = notices(split_dir="/lists", split__val_fraction=0.3, split__seed=4)
    assert found == {
        "data.split.val_fraction": (
            "data.split.val_fraction, data.split.seed do nothing: the split files decide.",
            "To use them, leave data.split_dir empty.",
        )
    }
    assert notices(split_dir="/lists") == {} and notices(split__val_fraction=0.3) == {}
    found = notices(masks__threshold=90)
    assert found["data.masks.threshold"] == (
        "data.masks.threshold does nothing: data.masks.meaning is “detect”.",
        "To use it, set data.masks.meaning to “binary”.",
    )


def test_table_goes_before_split_files_and_its_column_decides() -> None:
    found = notices(table="/t.csv", split_dir="/lists", split__val_fraction=0.3)
    assert list(found) == ["data.split_dir"] and "the table decides" in found["data.split_dir"][0]
    found = notices(table="/t.csv", split_column="part", split__val_fraction=0.3)
    assert "split column of the table" in found["data.split.val_fraction"][0]
    found = notices(split_column="part", split__val_fraction=0.3)  # no table: the column itself does nothing
    assert list(found) == ["data.split_column"]


@pytest.mark.parametrize("task", TASKS)
def test_defaults_and_presets_set_nothing_that_does_nothing(task: str) -> None:
    from src.core.config import preset_layer, presets

    schema = task_info(task).config
    for layers in ([], *([preset_layer(task, name)] for name in presets(task))):
        assert idle_options(resolve(schema, layers).config) == []


@pytest.mark.parametrize(
    ("key", "values", "first"),
    [
        ("swa.from_epoch", {"swa": {"from_epoch": 6}}, 6),
        ("schedule.step_epochs", {"schedule": {"name": "step", "step_epochs": 6, "warmup_epochs": 0}}, 7),
        (
            "schedule.milestones",
            {"schedule": {"name": "multi_step", "milestones": [6, 7], "warmup_epochs": 0}},
            7,
        ),
        ("schedule.patience", {"schedule": {"name": "plateau", "patience": 3}}, 6),
        ("early_stopping.patience", {"early_stopping": {"patience": 4}}, 6),
    ],
)
def test_option_that_would_act_after_the_end_is_a_notice(
    key: str, values: dict[str, Any], first: int
) -> None:
    assert late_options(TrainingConfig.model_validate({**values, "epochs": first})) == []
    training = TrainingConfig.model_validate({**values, "epochs": first - 1})
    (found,) = late_options(training)
    assert found.where == (f"training.{key}",) and found.severity == "notice"
    assert f"from epoch {first} on" in found.message and f"has {first - 1}." in found.message
    if key in ("schedule.step_epochs", "schedule.milestones"):  # what is said is what the schedule does
        shape = ScheduleShape(training.schedule, 10, first)
        assert shape.factor(10 * (first - 1) - 1) == 1.0 > shape.factor(10 * (first - 1))


def test_what_comes_too_late_is_said_in_the_check_of_a_run() -> None:
    info = task_info("segmentation")
    config = resolve(
        info.config, [Layer("file", nest({"training.epochs": 5, "training.swa.from_epoch": 8}))]
    ).config
    assert "option.too_late" in {f.code for f in info.check(config, None)}


def test_manual_says_when_an_option_does_nothing() -> None:
    page = settings_page(task_info("segmentation"))
    line = next(text for text in page.splitlines() if text.startswith("| `data.split.test_fraction`"))
    assert "Does nothing while `data.split_dir` is set: the split files decide." in line
    assert "Used only while `training.schedule.name` is `step`." in page
    assert "| `training.ema_decay` | `0.99` | ≥ 0, < 1 |" in page
